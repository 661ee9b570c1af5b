import type { FlushResult } from '@langfuse-middleware/delivery'
import type { Context } from '@opentelemetry/api'
import type { StartRoot } from '../buffer/start-root.ts'
import type { TraceBuffer } from '../buffer/trace-buffer.ts'
import type { Scope } from '../context/request-context.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Scores } from '../delivery/scores.ts'
import type { LocalInspector } from '../inspector/local-inspector.ts'
import type { TraceLinks } from '../inspector/trace-links.ts'
import type { LlmCalls } from '../llm-calls/llm-calls.ts'
import type { Beside } from '../other-tracers/beside-tracer.ts'
import type { OutgoingTrace } from '../propagation/trace-headers.ts'
import type { RequestRecords } from '../request/request-record.ts'

/** Everything between an observation's start and its leaving the process. */
export interface Pipeline {
  readonly buffer: TraceBuffer
  readonly records: RequestRecords
  readonly beside: Beside
  readonly scores: Scores
  readonly llmCalls: LlmCalls
  newTraceId(): string
  /** Brings the globals that nobody else has brought by now; before a context is to be passed on. */
  settle(): void
  readonly startRoot: StartRoot
  /** What code running now passes on to another service; undefined where it runs in no trace that is recorded. */
  outgoing(): OutgoingTrace | undefined
  /** Runs `next` in a scope and its context. */
  enter<T>(scope: Scope & { readonly context: Context }, next: () => T): T
  /** The current context, but with nothing under it recorded. */
  silentContext(): Context
  /** The inspector that the app brings along. */
  readonly inspector: LocalInspector | undefined
  /** Undefined where nobody is to be told where traces are shown. */
  readonly links: TraceLinks | undefined
  /** Undefined where the app brought an exporter of its own. */
  readonly delivery: Delivery | undefined
  /** Sends what has ended, within a deadline. Never rejects. */
  flush(timeoutMs: number): Promise<FlushResult>
  /** Ends what is open, sends it, within a deadline, and stops. Never rejects. */
  shutdown(timeoutMs: number): Promise<FlushResult>
}

/** Requests by what became of them. */
export interface RequestCounts {
  /** Traced, whatever the verdict. */
  started: number
  ended: number
  /** Not traced: ignored, opted out or sampled out at the start. */
  skipped: number
}
