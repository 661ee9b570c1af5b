import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { LinkedList } from '../basics/linked-list.ts'
import type { BufferOptions } from '../options/tracing-options.ts'
import { childrenOf, type HeldTrace } from './held-trace.ts'
import { sizeOf } from './trace-children.ts'

/** A bound whose excess decides a trace before its end. */
export type Bound = 'spans' | 'bytes' | 'totalBytes' | 'traces' | 'age'

/** Ended spans that wait for the decision on their trace, within the bounds of number and size. */
export interface WaitingSpans {
  readonly size: { readonly spans: number; readonly bytes: number }
  /** Holds a span. */
  add(trace: HeldTrace, span: ReadableSpan): void
  /** Counts the size of a root that ended before the decision. */
  addRoot(trace: HeldTrace): void
  /** Takes all spans of a trace. */
  take(trace: HeldTrace): readonly ReadableSpan[]
}

/** Creates the holder. `decideEarly` is called for a trace past a bound, and must `take` its spans. */
export function createWaitingSpans(
  limits: Pick<Required<BufferOptions>, 'maxSpansPerTrace' | 'maxBytesPerTrace' | 'maxBytes'>,
  undecided: LinkedList<HeldTrace>,
  decideEarly: (trace: HeldTrace, bound: Bound) => void,
): WaitingSpans {
  const size = { spans: 0, bytes: 0 }

  function weigh(trace: HeldTrace, span: ReadableSpan): void {
    const children = childrenOf(trace)
    const bytes = sizeOf(span)
    children.bytes += bytes
    size.bytes += bytes
    if (children.ended.length > limits.maxSpansPerTrace) decideEarly(trace, 'spans')
    else if (children.bytes > limits.maxBytesPerTrace) decideEarly(trace, 'bytes')
    for (let oldest = undecided.first; oldest !== undefined && size.bytes > limits.maxBytes; ) {
      const { next } = oldest
      if (oldest.children !== undefined && oldest.children.bytes > 0) decideEarly(oldest, 'totalBytes')
      oldest = next
    }
  }

  return {
    size,
    add(trace, span) {
      childrenOf(trace).ended.push(span)
      size.spans += 1
      weigh(trace, span)
    },
    addRoot(trace) {
      if (trace.root !== undefined) weigh(trace, trace.root)
    },
    take({ children }) {
      if (children === undefined) return []
      const taken = children.take()
      size.spans -= taken.spans.length
      size.bytes -= taken.bytes
      return taken.spans
    },
  }
}
