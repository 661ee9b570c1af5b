import { isDeepStrictEqual } from 'node:util'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { noPrices, type PriceOf } from '../reading/price-of.ts'
import type { Score } from '../reading/score.ts'
import type { Trace } from '../reading/trace.ts'
import type { TraceSummary } from '../reading/trace-summary.ts'
import { scoreBytes, spanBytes } from './memory-estimate.ts'
import type { StoredTrace } from './stored-line.ts'
import {
  countOf,
  partsOf,
  summaryOf as readSummary,
  viewOf as readView,
  spansOf,
  type TraceEntry,
  type TraceParts,
} from './trace-entry.ts'
import { createTraceRoom, type TraceRoomOptions } from './trace-room.ts'

/** What bounds the store and when a trace counts as complete. */
export interface TraceStoreOptions extends Omit<TraceRoomOptions, 'onRemove'> {
  settleMs: number
  rootlessSettleMs: number
  onSettle: (trace: Trace) => void
  /** Called with the id of each trace that comes, changes or goes. */
  onChange?: (id: string) => void
  /** Computes costs that senders left out. */
  priceOf?: PriceOf
  /** The clock that open observations are aged by. */
  now?: () => number
}

/** What a store holds and has let go. */
export interface TraceStoreStats {
  traces: number
  spans: number
  scores: number
  /** Spans ever taken, each counted once. */
  receivedSpans: number
  /** Spans that came a second time unchanged. */
  duplicateSpans: number
  /** Traces dropped to make room. */
  evictedTraces: number
}

/** A piece of what an earlier run kept. */
export interface Stored {
  trace?: StoredTrace
  spans: OtlpSpan[]
  scores: Score[]
}

/** Traces in memory, the oldest dropped first. */
export interface TraceStore {
  /** Keeps spans; returns a reason for each one that found no room. */
  addSpans(spans: OtlpSpan[]): string[]
  /** Keeps a score, with its trace or until its trace arrives. */
  addScore(score: Score): void
  /** Shows spans of what runs; each stays until it arrives for good, or nobody has mentioned it for a while. */
  addRunning(spans: OtlpSpan[]): string[]
  /** What ran in this trace will not arrive. */
  forgetRunning(id: string): void
  /** Takes back what an earlier run kept: settled, and nobody is told. */
  restore(kept: Stored): void
  /** All traces, oldest first. */
  traces(): Trace[]
  trace(id: string): Trace | undefined
  /** Of all traces, oldest first. */
  ids(): string[]
  /** Of all traces, oldest first; of running observations too. */
  summaries(): TraceSummary[]
  summary(id: string): TraceSummary | undefined
  parts(id: string): TraceParts | undefined
  /** Whether the trace was dropped to make room. */
  wasDropped(id: string): boolean
  stats(): TraceStoreStats
  /** Settles at once what is still waiting. */
  settleAll(): void
  clear(): void
}

/** Creates an empty store. */
export function createTraceStore(options: TraceStoreOptions): TraceStore {
  const { onChange = () => {}, now = Date.now, priceOf = noPrices } = options
  const viewOf = (entry: TraceEntry): Trace => readView(entry, priceOf)
  const summaryOf = (entry: TraceEntry): TraceSummary | undefined => readSummary(entry, now(), priceOf)
  const room = createTraceRoom({ ...options, onRemove: onChange })
  const { entries, open, makeRoom, account } = room
  const counts = { receivedSpans: 0, duplicateSpans: 0 }

  const changed = (entry: TraceEntry): void => {
    entry.view = undefined
    entry.summary = undefined
    onChange(entry.id)
  }

  const settle = (entry: TraceEntry): void => {
    clearTimeout(entry.timer)
    if (entry.settled || countOf(entry) === 0) return
    entry.settled = true
    entry.revision += 1
    changed(entry)
    options.onSettle(viewOf(entry))
  }

  const touch = (entry: TraceEntry): void => {
    clearTimeout(entry.timer)
    changed(entry)
    entry.settled = false
    if (countOf(entry) === 0) return
    const hasRoot = [...spansOf(entry).values()].some(span => span.parentSpanId === undefined)
    entry.timer = setTimeout(settle, hasRoot ? options.settleMs : options.rootlessSettleMs, entry)
    entry.timer.unref()
  }

  const stopRunning = (entry: TraceEntry, spanId: string): void => {
    const open = entry.running.get(spanId)
    if (!open) return
    entry.running.delete(spanId)
    account(entry, -1, -spanBytes(open.span))
  }

  const setScore = (score: Score): TraceEntry | undefined => {
    const size = scoreBytes(score)
    const entry = open(score.traceId)
    const earlier = entry.scores.get(score.id)
    if (earlier && isDeepStrictEqual(earlier, score)) return undefined
    const bytes = size - (earlier ? scoreBytes(earlier) : 0)
    if (!makeRoom(entry, 0, bytes)) return undefined
    entry.scores.set(score.id, score)
    account(entry, 0, bytes)
    return entry
  }

  const addSpan = (span: OtlpSpan): TraceEntry | string | undefined => {
    const entry = open(span.traceId)
    const held = spansOf(entry)
    const earlier = held.get(span.spanId)
    if (earlier && isDeepStrictEqual(earlier, span)) {
      counts.duplicateSpans += 1
      return undefined
    }
    const bytes = spanBytes(span) - (earlier ? spanBytes(earlier) : 0)
    const spans = earlier ? 0 : 1
    if (!makeRoom(entry, spans, bytes)) {
      return `no room for more: ${room.spans} spans, ${room.bytes} bytes held`
    }
    stopRunning(entry, span.spanId)
    // Set anew rather than in place: the order of the map is the order of arrival.
    held.delete(span.spanId)
    held.set(span.spanId, span)
    account(entry, spans, bytes)
    counts.receivedSpans += spans
    return entry
  }

  /** Takes a trace back unread, unless another line has a part of it too. */
  const restoreTrace = (trace: StoredTrace): (TraceEntry | string | undefined)[] => {
    const { id, observationCount } = trace.summary
    const entry = open(id)
    if (countOf(entry) > 0) return trace.read().map(addSpan)
    if (!makeRoom(entry, observationCount, trace.bytes)) return []
    entry.unread = trace
    account(entry, observationCount, trace.bytes)
    return [entry]
  }

  return {
    addSpans(spans) {
      const outcomes = spans.map(addSpan)
      const touched = new Set(outcomes.filter(outcome => typeof outcome === 'object'))
      for (const entry of touched) if (entries.get(entry.id) === entry) touch(entry)
      return outcomes.filter(outcome => typeof outcome === 'string')
    },
    addScore(score) {
      const entry = setScore(score)
      if (entry) touch(entry)
    },
    addRunning(spans) {
      const refused: string[] = []
      for (const span of spans) {
        const entry = open(span.traceId)
        stopRunning(entry, span.spanId)
        if (spansOf(entry).has(span.spanId)) continue
        if (makeRoom(entry, 1, spanBytes(span))) {
          entry.running.set(span.spanId, { span, heardMs: now() })
          account(entry, 1, spanBytes(span))
          changed(entry)
        } else {
          refused.push('no room for more')
        }
      }
      return refused
    },
    forgetRunning(id) {
      const entry = entries.get(id.toLowerCase())
      if (!entry || entry.running.size === 0) return
      for (const spanId of [...entry.running.keys()]) stopRunning(entry, spanId)
      changed(entry)
      room.discardEmpty(entry)
    },
    restore({ trace, spans, scores }) {
      const { receivedSpans, duplicateSpans } = counts
      const touched = [...(trace ? restoreTrace(trace) : []), ...spans.map(addSpan), ...scores.map(setScore)]
      Object.assign(counts, { receivedSpans, duplicateSpans })
      for (const entry of touched) {
        if (typeof entry !== 'object' || entries.get(entry.id) !== entry) continue
        entry.settled = countOf(entry) > 0
        entry.revision = 1
        entry.view = undefined
        entry.summary = undefined
      }
    },
    ids: () => [...entries.keys()],
    summaries: () => [...entries.values()].flatMap(entry => summaryOf(entry) ?? []),
    summary: id => {
      const entry = entries.get(id.toLowerCase())
      return entry && summaryOf(entry)
    },
    parts: id => {
      const entry = entries.get(id.toLowerCase())
      const found = entry && partsOf(entry, now())
      return found && found.ended.length + found.running.length > 0 ? found : undefined
    },
    wasDropped: id => room.wasEvicted(id.toLowerCase()),
    traces: () => [...entries.values()].filter(entry => countOf(entry) > 0).map(viewOf),
    trace: id => {
      const entry = entries.get(id.toLowerCase())
      return entry && countOf(entry) > 0 ? viewOf(entry) : undefined
    },
    stats: () => ({
      traces: [...entries.values()].filter(entry => countOf(entry) > 0).length,
      spans: room.spans,
      scores: [...entries.values()].reduce((sum, entry) => sum + entry.scores.size, 0),
      ...counts,
      evictedTraces: room.evicted,
    }),
    settleAll() {
      for (const entry of [...entries.values()]) settle(entry)
    },
    clear() {
      for (const entry of [...entries.values()]) room.remove(entry)
    },
  }
}
