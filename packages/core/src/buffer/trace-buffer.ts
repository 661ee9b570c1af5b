import type { Context, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { LinkedList } from '../basics/linked-list.ts'
import { currentOverlay } from '../context/request-context.ts'
import { SmallContext } from '../context/small-context.ts'
import type { Sampling } from '../options/sampling.ts'
import type { RequestRecord } from '../request/request-record.ts'
import { RequestState } from '../request/request-state.ts'
import { childrenOf, createHeldTrace, type HeldTrace, isOf } from './held-trace.ts'
import { addToRollUp, emptyRollUp, type RollUpKeys } from './roll-up.ts'
import type { RootSpan } from './root-span.ts'
import { createTraceDecisions, type DecisionOptions, type DecisionStats } from './trace-decisions.ts'
import { OVERLAID } from './trace-identity.ts'
import { createTraceRelease, type ReleaseOptions } from './trace-release.ts'
import type { WireCalls } from './wire-calls.ts'

/** Holds the ended spans of a request until its sampling decision, which is made once for all of them. */
export interface TraceBuffer extends SpanProcessor {
  /** Creates the trace of a request that starts. `startedIn` is the context to show its root to the next processor in. */
  open(request: RequestState, root: RootSpan, startedIn: Context): HeldTrace
  /** Takes the record of a request that has ended, but waits for work after its response: the decision is put off. */
  wait(trace: HeldTrace, record: RequestRecord): void
  /** Takes the record of a request that has ended, and sends or drops its trace. */
  end(trace: HeldTrace, record: RequestRecord): void
  /** Leaves one observation for each LLM call of a trace that is about to be decided. */
  resolveCalls(trace: HeldTrace): void
  /** The context in which spans belong to `trace`. */
  contextFor(trace: HeldTrace, parent: Context): Context
  /** The context in which no span is recorded. */
  silentContextFor(parent: Context): Context
  /** The trace that a context belongs to. */
  traceOf(context: Context): HeldTrace | undefined
  /** Traces without a decision, the oldest first. */
  readonly undecided: Pick<LinkedList<HeldTrace>, 'first'>
  /** The observation that Langfuse has for `span`: itself, the nearest above it, or the root. */
  exportedParent(trace: HeldTrace, span: SpanContext): SpanContext
  /** Ends the observations that are open under a root that has ended. */
  close(trace: HeldTrace): void
  /** Decides and closes every trace. Requests must have ended before. */
  closeAll(): void
  stats(): BufferStats
}

/** Counters of the buffer. */
export type BufferStats = DecisionStats

interface TraceBufferOptions
  extends Omit<ReleaseOptions, 'maxBridges' | 'shortcut' | 'maskRest'>,
    Omit<DecisionOptions, 'release' | 'now' | 'resolveCalls'>,
    Partial<Pick<ReleaseOptions, 'shortcut' | 'maskRest'>>,
    Partial<Pick<DecisionOptions, 'now'>> {
  readonly calls?: WireCalls | undefined
}

const KEEP_NOTHING: Sampling = {
  rate: 0,
  keepErrors: false,
  keepSlowerThanMs: Number.POSITIVE_INFINITY,
  keepAborted: false,
  keep: undefined,
}

/** Creates the buffer. */
export function createTraceBuffer(options: TraceBufferOptions): TraceBuffer {
  const { otel, limits, next, isExported, calls, log, shortcut, maskRest, now = Date.now } = options
  const keys = rollUpKeys(options)
  const maxBridges = limits.maxSpansPerTrace
  const release = createTraceRelease({ ...options, shortcut, maskRest, maxBridges })
  const decisions = createTraceDecisions({ ...options, release, resolveCalls, now })
  const { waiting } = decisions
  const contextKey = otel.api.createContextKey('langfuse-middleware.trace')
  const nobody = new RequestState(
    { newRequestId: () => '', traceId: '', name: '', sampling: KEEP_NOTHING },
    log,
  )
  const silent = createHeldTrace(nobody, undefined, undefined, 0)
  const traces = new WeakMap<ReadableSpan, HeldTrace>()

  return {
    onStart: (span, parentContext) => guard(() => onStart(span, parentContext)),
    onEnd: span => guard(() => onEnd(span)),
    forceFlush: () => next.forceFlush(),
    shutdown() {
      guard(decisions.closeAll)
      return next.shutdown()
    },
    open(request, root, startedIn) {
      const trace = createHeldTrace(request, root, startedIn, now())
      guard(() => decisions.add(trace))
      return trace
    },
    wait: (trace, record) => guard(() => decisions.provisional(trace, record)),
    end: (trace, record) => guard(() => decisions.finish(trace, record)),
    resolveCalls: trace => guard(() => resolveCalls(trace)),
    contextFor: (trace, parent) => new SmallContext(parent, contextKey, trace),
    silentContextFor: parent => new SmallContext(parent, contextKey, silent),
    traceOf,
    undecided: decisions.undecided,
    exportedParent: (trace, span) =>
      release.exportedAncestor(trace, span) ?? trace.root?.spanContext() ?? span,
    close: trace => guard(() => decisions.close(trace)),
    closeAll: () => guard(decisions.closeAll),
    stats: () => ({ ...decisions.stats(), held: waiting.size.spans, heldBytes: waiting.size.bytes }),
  }

  function onStart(span: Span, parentContext: Context): void {
    const trace = traceOf(parentContext)
    const { traceId, spanId } = span.spanContext()
    if (trace !== undefined && isOf(trace, traceId)) {
      release.show(trace)
      childrenOf(trace).open.set(spanId, span)
      traces.set(span, trace)
      decisions.childStarted(trace)
      if (currentOverlay() !== undefined) OVERLAID.add(span)
    }
    next.onStart(span, parentContext)
  }

  function onEnd(span: ReadableSpan): void {
    const trace = traces.get(span)
    if (trace === undefined) {
      calls?.endedOutside(span)
      return next.onEnd(span)
    }
    traces.delete(span)
    const children = childrenOf(trace)
    children.open.delete(span.spanContext().spanId)
    const isPending = trace.decision === 'pending'
    const isCall = calls?.has(span) === true
    if (isCall && !isPending) calls.resolve(trace, [span])
    // Whether a call counts is known once the other observations are.
    if (isExported(span) && !(isCall && isPending)) addToRollUp(children.rollUp, span, keys)
    if (isPending) waiting.add(trace, span)
    else release.pass(trace, span)
    decisions.childEnded(trace)
  }

  function resolveCalls(trace: HeldTrace): void {
    const { decision, children } = trace
    if (decision !== 'pending' || children === undefined || !calls?.resolve(trace, children.ended)) return
    // From the start, because the calls may have added to other observations.
    children.rollUp = emptyRollUp()
    for (const span of children.ended) if (isExported(span)) addToRollUp(children.rollUp, span, keys)
  }

  function traceOf(context: Context): HeldTrace | undefined {
    return context.getValue(contextKey) as HeldTrace | undefined
  }

  function guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      log.warnOnce('buffer failed', `an observation was lost to an internal error: ${String(error)}`)
    }
  }
}

function rollUpKeys({ otel }: TraceBufferOptions): RollUpKeys {
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes
  return {
    type: attribute.OBSERVATION_TYPE,
    level: attribute.OBSERVATION_LEVEL,
    model: attribute.OBSERVATION_MODEL,
    usage: attribute.OBSERVATION_USAGE_DETAILS,
    cost: attribute.OBSERVATION_COST_DETAILS,
  }
}
