import type { Context, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { LinkedList } from '../basics/linked-list.ts'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { SmallContext } from '../context/small-context.ts'
import type { Refusal } from '../export/refusal.ts'
import type { Shortcut } from '../export/shortcut.ts'
import type { BufferOptions } from '../options/resolve-options.ts'
import {
  type HeldTrace,
  isOf,
  NONE_HELD,
  NONE_OPEN,
  newTrace,
  sizeOf,
  type TraceOwner,
} from './held-trace.ts'
import { addToRollUp, emptyRollUp, NOTHING_ROLLED_UP, type RollUpKeys } from './roll-up.ts'
import { createTraceRelease } from './trace-release.ts'

/** Holds a request's ended spans until its root ends, then decides once for all of them. */
export interface TraceBuffer extends SpanProcessor {
  /** A trace to hold; its root is what `root` says, or the first span started under `contextFor`. */
  open(owner: TraceOwner): HeldTrace
  /** Gives `trace` a root that comes from no provider; `startedIn` is its context for the next processor. */
  root(trace: HeldTrace, root: Span, startedIn: Context): void
  /** Takes the end of a root that `root` gave. */
  endRoot(trace: HeldTrace): void
  /** The context in which spans belong to `trace`. */
  contextFor(trace: HeldTrace, parent: Context): Context
  /** The trace a context belongs to. */
  traceOf(context: Context): HeldTrace | undefined
  /** Traces without a verdict, the oldest first. */
  readonly undecided: Pick<LinkedList<HeldTrace>, 'first'>
  /** The observation that Langfuse will have for `span`: itself, the nearest above it, or the root. */
  exportedParent(trace: HeldTrace, span: SpanContext): SpanContext
  /** Delays the verdict until `release` is called. */
  wait(trace: HeldTrace): void
  release(trace: HeldTrace): void
  /** Ends what is still open under a root that ended. */
  close(trace: HeldTrace): void
  /** Ends and decides all that is open: the process is going away. */
  abandonAll(): void
  stats(): BufferStats
}

/** Counters of the buffer. */
export interface BufferStats {
  /** Traces tracked now, undecided or with observations still open. */
  open: number
  /** Ended observations waiting for a verdict, and their approximate size. */
  held: number
  heldBytes: number
  kept: number
  dropped: number
  /** Traces decided before their end because a bound was reached, by bound. */
  decidedEarly: Readonly<Record<'spans' | 'bytes' | 'totalBytes' | 'traces' | 'age', number>>
  /** Observations that never ended and were ended by us. */
  unfinished: number
}

interface TraceBufferOptions {
  readonly otel: Otel
  readonly limits: Readonly<Required<BufferOptions>>
  /** The processor that spans of kept traces go to. */
  readonly next: SpanProcessor
  readonly refusal: Refusal
  /** Whether a span is one that `next` exports. */
  readonly isExported: (span: ReadableSpan) => boolean
  /** Sends spans without `next`; undefined where every one goes through it. */
  readonly shortcut?: Shortcut | undefined
  /** Masks what `next` does not, in a span that is sent. */
  readonly maskRest?: ((span: ReadableSpan) => void) | undefined
  readonly log: Log
  readonly now?: () => number
}

/** Creates the buffer. */
export function createTraceBuffer(options: TraceBufferOptions): TraceBuffer {
  const { otel, limits, next, refusal, isExported, shortcut, log, now = Date.now } = options
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes
  const keys: RollUpKeys = {
    type: attribute.OBSERVATION_TYPE,
    level: attribute.OBSERVATION_LEVEL,
    model: attribute.OBSERVATION_MODEL,
    usage: attribute.OBSERVATION_USAGE_DETAILS,
    cost: attribute.OBSERVATION_COST_DETAILS,
  }
  const { bridge, show, pass, exportedAncestor, forgetSpan } = createTraceRelease({
    otel,
    next,
    refusal,
    isExported,
    shortcut,
    maxBridges: limits.maxSpansPerTrace,
    maskRest: options.maskRest,
  })
  const contextKey = otel.api.createContextKey('langfuse-middleware.trace')
  const traces = new WeakMap<ReadableSpan, HeldTrace>()
  const undecided = new LinkedList<HeldTrace>()
  const decided = new LinkedList<HeldTrace>()
  const early = { spans: 0, bytes: 0, totalBytes: 0, traces: 0, age: 0 }
  let totalBytes = 0
  let heldSpans = 0
  let kept = 0
  let dropped = 0
  let unfinished = 0
  let sweeper: NodeJS.Timeout | undefined

  function onStart(span: Span, parentContext: Context): void {
    const trace = traceOf(parentContext)
    if (trace !== undefined) {
      if (trace.root === undefined) trace.root = span
      else if (isOf(trace, span.spanContext().traceId)) {
        show(trace)
        if (trace.open === NONE_OPEN) trace.open = new Map()
        trace.open.set(span.spanContext().spanId, span)
      } else return next.onStart(span, parentContext)
      traces.set(span, trace)
    }
    next.onStart(span, parentContext)
  }

  function onEnd(span: ReadableSpan): void {
    const trace = traces.get(span)
    if (trace === undefined) return next.onEnd(span)
    traces.delete(span)
    if (span === trace.root) return endRoot(trace)
    trace.open.delete(span.spanContext().spanId)
    if (isExported(span)) {
      if (trace.rollUp === NOTHING_ROLLED_UP) trace.rollUp = emptyRollUp()
      addToRollUp(trace.rollUp, span, keys)
    }
    if (trace.verdict === 'pending') hold(trace, span)
    else pass(trace, span)
    if (trace.rootEnded && trace.open.size === 0) settle(trace)
  }

  function endRoot(trace: HeldTrace): void {
    const { root } = trace
    if (root === undefined) return
    trace.rootEnded = true
    if (trace.verdict !== 'pending') pass(trace, root)
    else if (trace.waiting > 0) {
      trace.owner.describe(root)
      weigh(trace, root)
    }
    settle(trace)
  }

  function hold(trace: HeldTrace, span: ReadableSpan): void {
    if (trace.held === NONE_HELD) trace.held = []
    trace.held.push(span)
    heldSpans += 1
    weigh(trace, span)
  }

  function weigh(trace: HeldTrace, span: ReadableSpan): void {
    const bytes = sizeOf(span)
    trace.bytes += bytes
    totalBytes += bytes
    if (trace.held.length > limits.maxSpansPerTrace) decideEarly(trace, 'spans')
    else if (trace.bytes > limits.maxBytesPerTrace) decideEarly(trace, 'bytes')
    if (totalBytes <= limits.maxBytes) return
    for (let oldest = undecided.first; oldest !== undefined && totalBytes > limits.maxBytes; ) {
      const { next } = oldest
      if (oldest.bytes > 0) decideEarly(oldest, 'totalBytes')
      oldest = next
    }
  }

  /** Decides when the root has ended and nothing is waited for; forgets when nothing is open any more. */
  function settle(trace: HeldTrace): void {
    if (trace.verdict === 'pending') {
      if (trace.waiting > 0) return
      decide(trace)
      trace.owner.decided()
    }
    decided.delete(trace)
    if (trace.open.size === 0) return
    trace.touchedAt = now()
    decided.add(trace)
    if (undecided.size + decided.size > limits.maxTraces) evict()
  }

  function decideEarly(trace: HeldTrace, bound: keyof typeof early): void {
    early[bound] += 1
    log.warnOnce(
      `buffer ${bound}`,
      `a request reached the bound on ${bound} (option buffer), it is decided on what is known and the rest follows`,
    )
    decide(trace)
  }

  function decide(trace: HeldTrace): void {
    const keep = trace.owner.keeps(trace)
    const { held, root } = trace
    trace.verdict = keep ? 'keep' : 'drop'
    trace.held = NONE_HELD
    heldSpans -= held.length
    totalBytes -= trace.bytes
    trace.bytes = 0
    if (keep) kept += 1
    else dropped += 1
    undecided.delete(trace)
    trace.touchedAt = now()
    if (!trace.rootEnded || trace.open.size > 0) decided.add(trace)
    // Bridges first: a child ends before its parent, and must know whether the parent is sent.
    if (keep) for (const span of held) if (!isExported(span)) bridge(trace, span)
    for (const span of held) pass(trace, span)
    if (root !== undefined && trace.rootEnded) pass(trace, root)
    if (trace.onVerdict !== undefined) for (const tell of trace.onVerdict.splice(0)) tell(keep)
  }

  function open(owner: TraceOwner): HeldTrace {
    const trace = newTrace(owner, 'pending', now())
    undecided.add(trace)
    if (undecided.size + decided.size > limits.maxTraces) evict()
    sweeper ??= setInterval(sweep, Math.min(Math.max(limits.maxAgeMs / 10, 50), 30_000)).unref()
    return trace
  }

  /** Makes room for one trace: the oldest that only waits for observations still open, else the oldest undecided. */
  function evict(): void {
    const lingering = decided.first
    if (lingering !== undefined) return forget(lingering)
    const oldest = undecided.first
    if (oldest === undefined) return
    decideEarly(oldest, 'traces')
    forget(oldest)
  }

  /** Stops tracking a decided trace. What is open under a root that ended is ended now; a live request goes on unwatched. */
  function forget(trace: HeldTrace): void {
    decided.delete(trace)
    if (trace.rootEnded) endOpen(trace)
  }

  function endOpen(trace: HeldTrace): void {
    for (const span of trace.open.values()) {
      if (trace.verdict === 'drop') {
        forgetSpan(span)
        continue
      }
      unfinished += 1
      if (isExported(span)) {
        span.setAttributes({
          [attribute.OBSERVATION_LEVEL]: 'WARNING',
          [attribute.OBSERVATION_STATUS_MESSAGE]: 'never ended; closed when its trace was',
        })
      }
      // Whenever it should have ended, it was not after its request.
      span.end((trace.root as ReadableSpan | undefined)?.endTime)
    }
    trace.open = NONE_OPEN
  }

  function sweep(): void {
    const cutoff = now() - limits.maxAgeMs
    for (let trace = undecided.first; trace && trace.touchedAt <= cutoff; trace = undecided.first) {
      decideEarly(trace, 'age')
      if (trace.rootEnded) settle(trace)
    }
    for (let trace = decided.first; trace && trace.touchedAt <= cutoff; trace = decided.first) forget(trace)
    if (undecided.size === 0 && decided.size === 0) {
      clearInterval(sweeper)
      sweeper = undefined
    }
  }

  function first(): HeldTrace | undefined {
    return undecided.first ?? decided.first
  }

  function traceOf(context: Context): HeldTrace | undefined {
    return context.getValue(contextKey) as HeldTrace | undefined
  }

  function abandonAll(): void {
    for (let trace = first(); trace !== undefined; trace = first()) {
      if (!trace.rootEnded) trace.owner.abandon()
      trace.waiting = 0
      if (trace.verdict === 'pending') decide(trace)
      undecided.delete(trace)
      forget(trace)
    }
    clearInterval(sweeper)
    sweeper = undefined
  }

  return {
    onStart: (span, parentContext) => guard(() => onStart(span, parentContext)),
    onEnd: span => guard(() => onEnd(span)),
    forceFlush: () => next.forceFlush(),
    shutdown() {
      abandonAll()
      return next.shutdown()
    },
    open,
    root(trace, root, startedIn) {
      trace.root = root
      trace.unseenIn = startedIn
    },
    endRoot: trace => guard(() => endRoot(trace)),
    contextFor: (trace, parent) => new SmallContext(parent, contextKey, trace),
    traceOf,
    undecided,
    exportedParent: (trace, span) => exportedAncestor(trace, span) ?? trace.root?.spanContext() ?? span,
    wait(trace) {
      trace.waiting += 1
    },
    release(trace) {
      if (trace.waiting === 0) return
      trace.waiting -= 1
      if (trace.rootEnded) guard(() => settle(trace))
    },
    close: trace => guard(() => forget(trace)),
    abandonAll,
    stats: () => ({
      open: undecided.size + decided.size,
      held: heldSpans,
      heldBytes: totalBytes,
      kept,
      dropped,
      decidedEarly: { ...early },
      unfinished,
    }),
  }

  function guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      log.warnOnce('buffer failed', `an observation was lost to an internal error: ${String(error)}`)
    }
  }
}
