import type { Attributes, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import { holdsMedia } from '../export/media-processor.ts'
import { type Refusal, refuse } from '../export/refusal.ts'
import type { Shortcut } from '../export/shortcut.ts'
import type { HeldTrace } from './held-trace.ts'
import { ROLL_UP_FIGURES, type RollUpFigure, showRollUp } from './roll-up.ts'
import { RootSpan } from './root-span.ts'

interface TraceReleaseOptions {
  readonly otel: Otel
  /** The processor that spans of kept traces go to. */
  readonly next: SpanProcessor
  readonly refusal: Refusal
  /** Whether a span is one that `next` exports. */
  readonly isExported: (span: ReadableSpan) => boolean
  /** Sends spans without `next`; undefined where every one goes through it. */
  readonly shortcut: Shortcut | undefined
  readonly maxBridges: number
  /** Masks what `next` does not, in a span that is sent. */
  readonly maskRest: ((span: ReadableSpan) => void) | undefined
}

/** Hands the spans of decided traces on, each with its trace's identity and under a parent that is sent. */
export interface TraceRelease {
  /** Remembers a span that is not sent, for those under it. */
  bridge(trace: HeldTrace, span: ReadableSpan): void
  /** Shows `next` a root it has not seen. */
  show(trace: HeldTrace): void
  /** Sends a span of a kept trace, forgets one of a dropped trace. */
  pass(trace: HeldTrace, span: ReadableSpan): void
  /** `span` itself if it is sent, else the nearest observation above it that is. */
  exportedAncestor(trace: HeldTrace, span: SpanContext): SpanContext | undefined
  /** Lets `next` see the end of a span that is not to be sent. */
  forgetSpan(span: ReadableSpan): void
}

/** Creates the release; `refusal.active` is true while a span is handed on only to be forgotten. */
export function createTraceRelease({
  otel,
  next,
  refusal,
  isExported,
  shortcut,
  maxBridges,
  maskRest,
}: TraceReleaseOptions): TraceRelease {
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes
  const figureNames = Object.fromEntries(
    ROLL_UP_FIGURES.map(figure => [figure, `${attribute.OBSERVATION_METADATA}.${figure}`]),
  ) as Record<RollUpFigure, string>

  const forgetSpan = (span: ReadableSpan) => refuse(refusal, next, span)

  function show(trace: HeldTrace): void {
    const { root, unseenIn } = trace
    if (root === undefined || unseenIn === undefined) return
    trace.unseenIn = undefined
    // Only a root of ours can be unseen; one that has ended is shown as it was before.
    if (root instanceof RootSpan && root.ended) root.reopen(() => next.onStart(root, unseenIn))
    else next.onStart(root, unseenIn)
  }

  function pass(trace: HeldTrace, span: ReadableSpan): void {
    if (span === trace.root) return passRoot(trace, span)
    if (trace.verdict === 'drop') return forgetSpan(span)
    if (!isExported(span)) {
      bridge(trace, span)
      return forgetSpan(span)
    }
    stamp(span.attributes, trace.owner.identity())
    maskRest?.(span)
    const parent = span.parentSpanContext
    const exportedParent = parent && exportedAncestor(trace, parent)
    if (exportedParent?.spanId === parent?.spanId) return hand(span)
    // It is under a root after all, though what is between is not sent.
    delete span.attributes[attribute.IS_APP_ROOT]
    hand(withParent(span, exportedParent))
  }

  function passRoot(trace: HeldTrace, root: ReadableSpan): void {
    const unseen = trace.unseenIn !== undefined
    if (trace.verdict === 'drop') return unseen ? undefined : forgetSpan(root)
    trace.owner.describe(root)
    stamp(root.attributes, trace.owner.identity())
    if (unseen && shortcut !== undefined && (trace.owner.plain || !holdsMedia(root)))
      return shortcut.sendAlone(root)
    show(trace)
    showRollUp(trace.rollUp, (figure, value) => {
      root.attributes[figureNames[figure]] ??= String(value)
    })
    maskRest?.(root)
    hand(root)
  }

  /** Sends a span; where the shortcut takes it, `next` only learns that it has ended. */
  function hand(span: ReadableSpan): void {
    if (shortcut === undefined || !shortcut.takes(span) || holdsMedia(span)) return next.onEnd(span)
    forgetSpan(span)
    shortcut.send(span)
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

  return { bridge, show, pass, exportedAncestor, forgetSpan }
}

/** Adds what is missing; what an observation says of itself stays. */
function stamp(attributes: Attributes, identity: Attributes): void {
  for (const name in identity) attributes[name] ??= identity[name]
}

function withParent(span: ReadableSpan, parentSpanContext: SpanContext | undefined): ReadableSpan {
  return Object.create(span, { parentSpanContext: { value: parentSpanContext, enumerable: true } })
}
