import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { LinkedList } from '../basics/linked-list.ts'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import type { BufferOptions } from '../options/tracing-options.ts'
import type { RequestRecord, RequestRecords } from '../request/request-record.ts'
import { type Bound, createWaitingSpans, type WaitingSpans } from './bounds.ts'
import { figuresOf, type HeldTrace } from './held-trace.ts'
import type { TraceRelease } from './trace-release.ts'

/** Decides each trace once, at its end or when a bound is reached, and tracks it until its last observation has ended. */
export interface TraceDecisions {
  readonly waiting: WaitingSpans
  /** Traces without a decision, the oldest first. */
  readonly undecided: LinkedList<HeldTrace>
  /** Tracks a trace that starts. */
  add(trace: HeldTrace): void
  /** Takes the record of a request that has ended and may still change: it waits for work after its response. */
  provisional(trace: HeldTrace, record: RequestRecord): void
  /** Decides by the record of a request, unless that has been done, and sends or drops its root. */
  finish(trace: HeldTrace, record: RequestRecord): void
  /** Tracks a trace again if an observation starts after the end, and bounds how many are open. */
  childStarted(trace: HeldTrace): void
  /** Stops tracking a trace if nothing in it is open any more. */
  childEnded(trace: HeldTrace): void
  /** Ends the observations that are open under a root that has ended, and stops tracking the trace. */
  close(trace: HeldTrace): void
  /** Closes every trace. Requests must have ended before. */
  closeAll(): void
  stats(): Omit<DecisionStats, 'held' | 'heldBytes'>
}

/** Counters of the buffer. */
export interface DecisionStats {
  /** Traces tracked now, undecided or with observations still open. */
  open: number
  /** Ended observations that wait for a decision. */
  held: number
  /** Their approximate size in bytes. */
  heldBytes: number
  kept: number
  dropped: number
  /** Traces decided before their end because a bound was reached, by bound. */
  decidedEarly: Readonly<Record<Bound, number>>
  /** Observations that did not end and were ended with their trace. */
  unfinished: number
}

export interface DecisionOptions {
  readonly otel: Otel
  readonly records: RequestRecords
  readonly release: TraceRelease
  readonly limits: Readonly<Required<BufferOptions>>
  readonly isExported: (span: ReadableSpan) => boolean
  /** Called before a trace is decided that has not ended. */
  readonly resolveCalls: (trace: HeldTrace) => void
  readonly log: Log
  readonly now: () => number
}

const LIMIT_OF: Readonly<Record<Bound, keyof BufferOptions>> = {
  spans: 'maxSpansPerTrace',
  bytes: 'maxBytesPerTrace',
  totalBytes: 'maxBytes',
  traces: 'maxTraces',
  age: 'maxAgeMs',
}

/** Creates the decisions. */
export function createTraceDecisions(options: DecisionOptions): TraceDecisions {
  const { records, release, resolveCalls, limits, log, now } = options
  const undecided = new LinkedList<HeldTrace>()
  /** Decided traces whose request goes on, or in which an observation is open. */
  const lingering = new LinkedList<HeldTrace>()
  const early: Record<Bound, number> = { spans: 0, bytes: 0, totalBytes: 0, traces: 0, age: 0 }
  const waiting = createWaitingSpans(limits, undecided, decideEarly)
  const endOpen = createUnfinished(options)
  let kept = 0
  let dropped = 0
  let sweeper: NodeJS.Timeout | undefined

  return {
    waiting,
    undecided,
    add(trace) {
      undecided.add(trace)
      if (undecided.size + lingering.size > limits.maxTraces) evict()
      startSweeping()
    },
    provisional(trace, record) {
      trace.record = record
      if (trace.decision === 'pending') waiting.addRoot(trace)
      else release.passRoot(trace)
    },
    finish(trace, record) {
      trace.record = record
      if (trace.decision === 'pending') decide(trace, record.sampling)
      release.passRoot(trace)
      linger(trace)
    },
    childStarted(trace) {
      const open = trace.children?.open
      if (open === undefined) return
      if (open.size > limits.maxSpansPerTrace) endOpen(trace, 1)
      if (trace.record !== undefined && trace.decision !== 'pending' && trace.list === undefined)
        linger(trace)
    },
    childEnded(trace) {
      const isOver = trace.record !== undefined && trace.decision !== 'pending'
      if (isOver && trace.children?.open.size === 0) lingering.delete(trace)
    },
    close,
    closeAll() {
      for (let trace = first(); trace !== undefined; trace = first()) {
        if (trace.decision === 'pending') decide(trace, records.decide(trace.request, figuresOf(trace)))
        close(trace)
      }
      stopSweeping()
    },
    stats: () => ({
      open: undecided.size + lingering.size,
      kept,
      dropped,
      decidedEarly: { ...early },
      unfinished: endOpen.count,
    }),
  }

  function decide(trace: HeldTrace, decision: 'keep' | 'drop'): void {
    trace.decision = decision
    trace.touchedAt = now()
    if (decision === 'keep') kept += 1
    else dropped += 1
    lingering.add(trace)
    release.passAll(trace, waiting.take(trace))
  }

  function decideEarly(trace: HeldTrace, bound: Bound): void {
    early[bound] += 1
    log.warnOnce(
      `buffer ${bound}`,
      `trace exceeded \`buffer.${LIMIT_OF[bound]}\`: sampling was decided early; later spans follow that decision`,
    )
    resolveCalls(trace)
    decide(trace, records.decide(trace.request, figuresOf(trace)))
    release.passRoot(trace)
  }

  /** Tracks a decided trace for as long as observations are open in it. */
  function linger(trace: HeldTrace): void {
    lingering.delete(trace)
    if ((trace.children?.open.size ?? 0) === 0) return
    trace.touchedAt = now()
    lingering.add(trace)
    startSweeping()
    if (undecided.size + lingering.size > limits.maxTraces) evict()
  }

  /** Makes room for one trace: the oldest that only waits for open observations, else the oldest undecided. */
  function evict(): void {
    const oldest = lingering.first ?? undecided.first
    if (oldest === undefined) return
    if (oldest.decision === 'pending') decideEarly(oldest, 'traces')
    close(oldest)
  }

  /** A request that goes on is no longer tracked, but its observations are still sent or dropped. */
  function close(trace: HeldTrace): void {
    lingering.delete(trace)
    if (trace.record !== undefined) endOpen(trace)
  }

  function sweep(): void {
    const cutoff = now() - limits.maxAgeMs
    for (let trace = undecided.first; trace && trace.touchedAt <= cutoff; trace = undecided.first) {
      decideEarly(trace, 'age')
      if (trace.record !== undefined) linger(trace)
    }
    for (let trace = lingering.first; trace && trace.touchedAt <= cutoff; trace = lingering.first)
      close(trace)
    if (undecided.size === 0 && lingering.size === 0) stopSweeping()
  }

  function first(): HeldTrace | undefined {
    return undecided.first ?? lingering.first
  }

  function startSweeping(): void {
    sweeper ??= setInterval(safely, Math.min(Math.max(limits.maxAgeMs / 10, 50), 30_000)).unref()
  }

  /** An exception in a timer would end the process. */
  function safely(): void {
    try {
      sweep()
    } catch (error) {
      log.warnOnce('buffer failed', `an observation was lost to an internal error: ${String(error)}`)
    }
  }

  function stopSweeping(): void {
    clearInterval(sweeper)
    sweeper = undefined
  }
}

/** Creates what ends open observations of a trace, the oldest first and no later than its root, and counts them. */
function createUnfinished({ otel, release, isExported }: DecisionOptions) {
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes

  function endOpen({ children, decision, root }: HeldTrace, count = Number.POSITIVE_INFINITY): void {
    if (children === undefined) return
    let left = count
    for (const [id, span] of [...children.open]) {
      if (left === 0) return
      left -= 1
      children.open.delete(id)
      if (decision === 'drop') {
        release.forgetSpan(span)
        continue
      }
      endOpen.count += 1
      if (isExported(span)) {
        span.setAttributes({
          [attribute.OBSERVATION_LEVEL]: 'WARNING',
          [attribute.OBSERVATION_STATUS_MESSAGE]: 'never ended; closed when its trace was',
        })
      }
      span.end(root?.ended ? root.endTime : undefined)
    }
  }
  endOpen.count = 0
  return endOpen
}
