import type { SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import { holdsMedia } from '../export/media-processor.ts'
import { type Refusal, refuse } from '../export/refusal.ts'
import type { Shortcut } from '../export/shortcut.ts'
import type { RequestRecords } from '../request/request-record.ts'
import { childrenOf, type HeldTrace } from './held-trace.ts'
import { ROLL_UP_FIGURES, type RollUpFigure, showRollUp } from './roll-up.ts'
import { createTraceIdentity } from './trace-identity.ts'

/** Where spans go once their trace is decided. */
export interface ReleaseOptions {
  readonly otel: Otel
  readonly records: RequestRecords
  /** The processor that the spans of kept traces go to. */
  readonly next: SpanProcessor
  readonly refusal: Refusal
  /** Whether `next` exports a span. */
  readonly isExported: (span: ReadableSpan) => boolean
  /** Sends spans without `next`; undefined if all must go through it. */
  readonly shortcut: Shortcut | undefined
  readonly maxBridges: number
  /** Masks what `next` does not, in a span that is sent. */
  readonly maskRest: ((span: ReadableSpan) => void) | undefined
}

/** Forwards the spans of decided traces, each with its trace's identity and under a parent that is sent. */
export interface TraceRelease {
  /** Forwards the start of the root to `next`, if that has not been done. */
  show(trace: HeldTrace): void
  /** Forwards spans that ended before the decision. */
  passAll(trace: HeldTrace, spans: readonly ReadableSpan[]): void
  /** Sends a span of a kept trace, or drops it with its trace. */
  pass(trace: HeldTrace, span: ReadableSpan): void
  /** Sends the root with its record's attributes, or drops it; only the first call does. */
  passRoot(trace: HeldTrace): void
  /** `span` itself if it is sent, else the nearest observation above it that is. */
  exportedAncestor(trace: HeldTrace, span: SpanContext): SpanContext | undefined
  /** Forwards the end of a span that is not sent. */
  forgetSpan(span: ReadableSpan): void
}

/** Creates the release; `refusal.active` is true while a span is forwarded that is not to be sent. */
export function createTraceRelease(options: ReleaseOptions): TraceRelease {
  const { otel, records, next, refusal, isExported, shortcut, maxBridges, maskRest } = options
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes
  const identities = createTraceIdentity(otel)
  const figureNames = Object.fromEntries(
    ROLL_UP_FIGURES.map(figure => [figure, `${attribute.OBSERVATION_METADATA}.${figure}`]),
  ) as Record<RollUpFigure, string>

  return {
    show,
    pass,
    passAll(trace, spans) {
      // Bridges first: a child ends before its parent, and must know whether the parent is sent.
      if (trace.decision === 'keep') {
        settleIdentity(trace, spans)
        for (const span of spans) if (!isExported(span)) childrenOf(trace).bridge(span, maxBridges)
      }
      for (const span of spans) pass(trace, span)
    },
    passRoot,
    exportedAncestor,
    forgetSpan,
  }

  function settleIdentity(trace: HeldTrace, spans: readonly ReadableSpan[]): void {
    const { record, root } = trace
    if (record === undefined) return
    // A root on which nothing is set has no attributes until they are asked for.
    const all = root === undefined || root.isBlank ? spans : [root, ...spans]
    trace.identity = all.length === 0 ? record.identity : identities.settled(record, all)
  }

  function forgetSpan(span: ReadableSpan): void {
    refuse(refusal, next, span)
  }

  function show(trace: HeldTrace): void {
    const { root, unseenIn } = trace
    if (root === undefined || unseenIn === undefined) return
    trace.unseenIn = undefined
    // A processor must not see a span start that has ended.
    if (root.ended) root.reopen(() => next.onStart(root, unseenIn))
    else next.onStart(root, unseenIn)
  }

  function pass(trace: HeldTrace, span: ReadableSpan): void {
    if (trace.decision === 'drop') return forgetSpan(span)
    if (!isExported(span)) {
      childrenOf(trace).bridge(span, maxBridges)
      return forgetSpan(span)
    }
    identities.stamp(span, trace.identity ?? records.identityOf(trace.request))
    maskRest?.(span)
    const parent = span.parentSpanContext
    const exportedParent = parent && exportedAncestor(trace, parent)
    if (exportedParent?.spanId === parent?.spanId) return send(span)
    // It is under a root after all, though what is between is not sent.
    delete span.attributes[attribute.IS_APP_ROOT]
    send(withParent(span, exportedParent))
  }

  function passRoot(trace: HeldTrace): void {
    const { root, record, children, unseenIn } = trace
    if (root === undefined || record === undefined || trace.isRootSent) return
    trace.isRootSent = true
    if (trace.decision === 'drop') return unseenIn === undefined ? forgetSpan(root) : undefined
    if (trace.identity === undefined) settleIdentity(trace, [])
    if (root.isBlank) root.fill(record.attributes)
    else identities.fillRoot(root.attributes, record)
    identities.stamp(root, trace.identity ?? record.identity)
    if (unseenIn !== undefined && shortcut !== undefined && (record.plain || !holdsMedia(root)))
      return shortcut.sendAlone(root)
    show(trace)
    if (children !== undefined) {
      showRollUp(children.rollUp, (figure, value) => {
        root.attributes[figureNames[figure]] ??= String(value)
      })
    }
    maskRest?.(root)
    send(root)
  }

  /** Sends a span. If the shortcut takes it, `next` only sees that it has ended. */
  function send(span: ReadableSpan): void {
    if (shortcut === undefined || !shortcut.takes(span) || holdsMedia(span)) return next.onEnd(span)
    forgetSpan(span)
    shortcut.send(span)
  }

  function exportedAncestor({ children, root }: HeldTrace, span: SpanContext): SpanContext | undefined {
    return children === undefined ? span : children.exportedAncestor(span, root?.spanContext(), isExported)
  }
}

function withParent(span: ReadableSpan, parentSpanContext: SpanContext | undefined): ReadableSpan {
  return Object.create(span, { parentSpanContext: { value: parentSpanContext, enumerable: true } })
}
