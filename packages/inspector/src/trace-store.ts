import { isDeepStrictEqual } from 'node:util'
import { scoreBytes, spanBytes } from './memory-estimate.ts'
import type { OtlpSpan } from './otlp-span.ts'
import type { Score } from './score.ts'
import { buildTrace, type Trace } from './trace.ts'

/** What bounds the store and when a trace counts as complete. */
export interface TraceStoreOptions {
  maxTraces: number
  maxSpans: number
  maxBytes: number
  settleMs: number
  rootlessSettleMs: number
  onSettle: (trace: Trace) => void
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

/** Traces in memory, the oldest dropped first. */
export interface TraceStore {
  /** Keeps spans; returns a reason for each one that found no room. */
  addSpans(spans: OtlpSpan[]): string[]
  /** Keeps a score, with its trace or until its trace arrives. */
  addScore(score: Score): void
  /** All traces, oldest first. */
  traces(): Trace[]
  trace(id: string): Trace | undefined
  stats(): TraceStoreStats
  /** Settles at once what is still waiting. */
  settleAll(): void
  clear(): void
}

interface Entry {
  id: string
  spans: Map<string, OtlpSpan>
  scores: Map<string, Score>
  bytes: number
  settled: boolean
  revision: number
  timer?: NodeJS.Timeout
  view?: Trace | undefined
}

/** Creates an empty store. */
export function createTraceStore(options: TraceStoreOptions): TraceStore {
  const entries = new Map<string, Entry>()
  const totals = { spans: 0, bytes: 0, receivedSpans: 0, duplicateSpans: 0, evictedTraces: 0 }

  const open = (id: string): Entry => {
    const entry = entries.get(id)
    if (entry) return entry
    if (entries.size >= options.maxTraces) evictOldest()
    const created: Entry = { id, spans: new Map(), scores: new Map(), bytes: 0, settled: false, revision: 0 }
    entries.set(id, created)
    return created
  }

  const remove = (entry: Entry): void => {
    clearTimeout(entry.timer)
    entries.delete(entry.id)
    totals.spans -= entry.spans.size
    totals.bytes -= entry.bytes
  }

  const discardEmpty = (entry: Entry): void => {
    if (entry.spans.size + entry.scores.size === 0) remove(entry)
  }

  const evictOldest = (keep?: Entry): boolean => {
    for (const entry of entries.values()) {
      if (entry === keep) continue
      remove(entry)
      totals.evictedTraces += 1
      return true
    }
    return false
  }

  const makeRoom = (entry: Entry, spans: number, bytes: number): boolean => {
    while (totals.spans + spans > options.maxSpans || totals.bytes + bytes > options.maxBytes) {
      if (!evictOldest(entry)) return false
    }
    return true
  }

  const account = (entry: Entry, spans: number, bytes: number): void => {
    entry.bytes += bytes
    totals.spans += spans
    totals.bytes += bytes
  }

  const settle = (entry: Entry): void => {
    clearTimeout(entry.timer)
    if (entry.settled || entry.spans.size === 0) return
    entry.settled = true
    entry.revision += 1
    entry.view = undefined
    options.onSettle(view(entry))
  }

  const touch = (entry: Entry): void => {
    clearTimeout(entry.timer)
    entry.view = undefined
    entry.settled = false
    if (entry.spans.size === 0) return
    const hasRoot = [...entry.spans.values()].some(span => span.parentSpanId === undefined)
    entry.timer = setTimeout(settle, hasRoot ? options.settleMs : options.rootlessSettleMs, entry)
    entry.timer.unref()
  }

  const view = (entry: Entry): Trace => {
    const { settled, revision } = entry
    entry.view ??= buildTrace([...entry.spans.values()], [...entry.scores.values()], { settled, revision })
    return entry.view
  }

  const addSpan = (span: OtlpSpan): Entry | string | undefined => {
    const entry = open(span.traceId)
    const earlier = entry.spans.get(span.spanId)
    if (earlier && isDeepStrictEqual(earlier, span)) {
      totals.duplicateSpans += 1
      return undefined
    }
    const bytes = spanBytes(span) - (earlier ? spanBytes(earlier) : 0)
    const spans = earlier ? 0 : 1
    if (!makeRoom(entry, spans, bytes)) {
      discardEmpty(entry)
      return `no room for more: ${totals.spans} spans, ${totals.bytes} bytes held`
    }
    // Set anew rather than in place: the order of the map is the order of arrival.
    entry.spans.delete(span.spanId)
    entry.spans.set(span.spanId, span)
    account(entry, spans, bytes)
    totals.receivedSpans += spans
    return entry
  }

  return {
    addSpans(spans) {
      const outcomes = spans.map(addSpan)
      const touched = new Set(outcomes.filter(outcome => typeof outcome === 'object'))
      for (const entry of touched) if (entries.get(entry.id) === entry) touch(entry)
      return outcomes.filter(outcome => typeof outcome === 'string')
    },
    addScore(score) {
      const size = scoreBytes(score)
      const entry = open(score.traceId)
      const earlier = entry.scores.get(score.id)
      if (earlier && isDeepStrictEqual(earlier, score)) return
      const bytes = size - (earlier ? scoreBytes(earlier) : 0)
      if (!makeRoom(entry, 0, bytes)) {
        discardEmpty(entry)
        return
      }
      entry.scores.set(score.id, score)
      account(entry, 0, bytes)
      touch(entry)
    },
    traces: () => [...entries.values()].filter(entry => entry.spans.size > 0).map(view),
    trace: id => {
      const entry = entries.get(id.toLowerCase())
      return entry && entry.spans.size > 0 ? view(entry) : undefined
    },
    stats: () => ({
      traces: [...entries.values()].filter(entry => entry.spans.size > 0).length,
      spans: totals.spans,
      scores: [...entries.values()].reduce((sum, entry) => sum + entry.scores.size, 0),
      receivedSpans: totals.receivedSpans,
      duplicateSpans: totals.duplicateSpans,
      evictedTraces: totals.evictedTraces,
    }),
    settleAll() {
      for (const entry of [...entries.values()]) settle(entry)
    },
    clear() {
      for (const entry of [...entries.values()]) remove(entry)
    },
  }
}
