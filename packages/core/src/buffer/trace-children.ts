import type { SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace-base'
import { emptyRollUp, type RollUp } from './roll-up.ts'

const SPAN_OVERHEAD_BYTES = 500

// A class, because one is made per request that has observations.
/** The spans under one root: those that are open, those that ended and wait for the decision, and who is whose parent in Langfuse. */
export class TraceChildren {
  /** Started and not ended, by span id. */
  readonly open: Map<string, Span> = new Map()
  rollUp: RollUp = emptyRollUp()
  /** Ended, until the decision. */
  ended: ReadableSpan[] = []
  /** Approximate size of `ended`, and of the root if it ended before the decision. */
  bytes = 0
  /** Parents of ended spans that are not exported, by span id. */
  private readonly bridges = new Map<string, SpanContext | undefined>()
  private areBridgesLost = false

  /** Takes the spans that wait, with their size. */
  take(): { readonly spans: readonly ReadableSpan[]; readonly bytes: number } {
    const { ended: spans, bytes } = this
    this.ended = []
    this.bytes = 0
    return { spans, bytes }
  }

  /** Records the parent of a span that is not exported, so that its children can be re-parented. */
  bridge(span: ReadableSpan, maxBridges: number): void {
    if (this.bridges.size >= maxBridges) this.areBridgesLost = true
    else this.bridges.set(span.spanContext().spanId, span.parentSpanContext)
  }

  /** `span` itself if it is exported, else the nearest span above it that is; `root` if that is not known any more. */
  exportedAncestor(
    span: SpanContext,
    root: SpanContext | undefined,
    isExported: (span: ReadableSpan) => boolean,
  ): SpanContext | undefined {
    let ancestor: SpanContext | undefined = span
    while (ancestor !== undefined) {
      const open = this.open.get(ancestor.spanId)
      if (open !== undefined && !isExported(open)) ancestor = open.parentSpanContext
      else if (this.bridges.has(ancestor.spanId)) ancestor = this.bridges.get(ancestor.spanId)
      else break
    }
    // With a bridge lost, a parent that has ended may be one that was not exported; the root always is.
    const isSure = !this.areBridgesLost || (ancestor !== undefined && this.open.has(ancestor.spanId))
    return isSure ? ancestor : root
  }
}

/** Approximate size of a span in memory, in bytes. */
export function sizeOf(span: ReadableSpan): number {
  let bytes = SPAN_OVERHEAD_BYTES
  for (const name in span.attributes) {
    const value = span.attributes[name]
    bytes += typeof value === 'string' ? name.length + value.length : name.length + 16
  }
  return bytes
}
