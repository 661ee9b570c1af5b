import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { HeldTrace } from './held-trace.ts'

/** LLM calls seen on the wire, which other observations may describe too. */
export interface WireCalls {
  /** True for the observation of such a call. */
  has(span: ReadableSpan): boolean
  /**
   * Finds the calls among `ended` that another observation of the trace describes, which are not exported from then on. Returns false if the
   * trace has no calls.
   */
  resolve(trace: HeldTrace, ended: readonly ReadableSpan[]): boolean
  /** Takes note of an observation that ends in no trace of ours. */
  endedOutside(span: ReadableSpan): void
}
