import type { Attributes, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { HeldTrace } from './held-trace.ts'
import type { Otel } from './otel.ts'
import { rollUpMetadata } from './roll-up.ts'

/** The refusal of spans whose trace was dropped, for a processor that must see the end of every span it saw start. */
export interface Refusal {
  active: boolean
}

interface TraceReleaseOptions {
  readonly otel: Otel
  /** The processor that spans of kept traces go to. */
  readonly next: SpanProcessor
  readonly refusal: Refusal
  /** Whether a span is one that `next` exports. */
  readonly isExported: (span: ReadableSpan) => boolean
  readonly maxBridges: number
  /** Masks the metadata of a span that is sent. */
  readonly maskMetadata: ((attributes: Attributes) => void) | undefined
}

/** Hands the spans of decided traces on, each with its trace's identity and under a parent that is sent. */
export interface TraceRelease {
  /** Remembers a span that is not sent, for those under it. */
  bridge(trace: HeldTrace, span: ReadableSpan): void
  /** Sends a span of a kept trace, forgets one of a dropped trace. */
  pass(trace: HeldTrace, span: ReadableSpan): void
  /** `span` itself if it is sent, else the nearest observation above it that is. */
  exportedAncestor(trace: HeldTrace, span: SpanContext): SpanContext | undefined
  /** Lets `next` see the end of a span that is not to be sent. */
  refuse(span: ReadableSpan): void
}

/** Creates the release; `refusal.active` is true while a span is handed on only to be forgotten. */
export function createTraceRelease({
  otel,
  next,
  refusal,
  isExported,
  maxBridges,
  maskMetadata,
}: TraceReleaseOptions): TraceRelease {
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes

  function pass(trace: HeldTrace, span: ReadableSpan): void {
    if (trace.verdict === 'drop') return refuse(span)
    const isRoot = span === trace.root
    if (!isRoot && !isExported(span)) {
      bridge(trace, span)
      return refuse(span)
    }
    stamp(span.attributes, trace.owner.identity())
    if (isRoot) {
      for (const [name, value] of Object.entries(rollUpMetadata(trace.rollUp))) {
        span.attributes[`${attribute.OBSERVATION_METADATA}.${name}`] ??= String(value)
      }
    }
    maskMetadata?.(span.attributes)
    const parent = span.parentSpanContext
    const exportedParent = isRoot || parent === undefined ? parent : exportedAncestor(trace, parent)
    if (exportedParent?.spanId === parent?.spanId) return next.onEnd(span)
    // It is under a root after all, though what is between is not sent.
    delete span.attributes[attribute.IS_APP_ROOT]
    next.onEnd(withParent(span, exportedParent))
  }

  function refuse(span: ReadableSpan): void {
    refusal.active = true
    try {
      next.onEnd(span)
    } finally {
      refusal.active = false
    }
  }

  function bridge(trace: HeldTrace, span: ReadableSpan): void {
    trace.bridges ??= new Map()
    if (trace.bridges.size >= maxBridges) trace.bridgesLost = true
    else trace.bridges.set(span.spanContext().spanId, span.parentSpanContext)
  }

  function exportedAncestor(trace: HeldTrace, parent: SpanContext): SpanContext | undefined {
    let ancestor: SpanContext | undefined = parent
    while (ancestor !== undefined) {
      const open = trace.open.get(ancestor.spanId)
      if (open !== undefined && !isExported(open)) ancestor = open.parentSpanContext
      else if (trace.bridges?.has(ancestor.spanId)) ancestor = trace.bridges.get(ancestor.spanId)
      else break
    }
    // With a bridge lost, a parent that ended may be one that was not sent; the root always is.
    const sure = !trace.bridgesLost || (ancestor !== undefined && trace.open.has(ancestor.spanId))
    return sure ? ancestor : trace.root?.spanContext()
  }

  return { bridge, pass, exportedAncestor, refuse }
}

/** Adds what is missing; what an observation says of itself stays. */
function stamp(attributes: Attributes, identity: Attributes): void {
  for (const name in identity) attributes[name] ??= identity[name]
}

function withParent(span: ReadableSpan, parentSpanContext: SpanContext | undefined): ReadableSpan {
  return Object.create(span, { parentSpanContext: { value: parentSpanContext, enumerable: true } })
}
