import { isDeepStrictEqual } from 'node:util'
import { scoreBytes, spanBytes } from './memory-estimate.ts'
import type { OtlpSpan } from './otlp-span.ts'
import type { Score } from './score.ts'
import { buildTrace, type Trace } from './trace.ts'
import { summariseTrace, type TraceSummary } from './trace-summary.ts'

/** What bounds the store and when a trace counts as complete. */
export interface TraceStoreOptions {
  maxTraces: number
  maxSpans: number
  maxBytes: number
  settleMs: number
  rootlessSettleMs: number
  onSettle: (trace: Trace) => void
  /** Called with the id of each trace that comes, changes or goes. */
  onChange?: (id: string) => void
  /** The clock that open observations are aged by. */
  now?: () => number
}

/** The spans and scores of one trace, as they came. */
export interface TraceParts {
  ended: OtlpSpan[]
  /** Of what runs, ended ones too where the sender holds them back until all of it ends. */
  running: OtlpSpan[]
  scores: Score[]
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
  /** Shows spans of what runs; each stays until it arrives for good, or nobody has mentioned it for a while. */
  addRunning(spans: OtlpSpan[]): string[]
  /** What ran in this trace will not arrive. */
  forgetRunning(id: string): void
  /** Takes back what an earlier run kept: settled, and nobody is told. */
  restore(spans: OtlpSpan[], scores: Score[]): void
  /** All traces, oldest first. */
  traces(): Trace[]
  trace(id: string): Trace | undefined
  /** Of all traces, oldest first. */
  ids(): string[]
  /** Of all traces, oldest first; of running observations too. */
  summaries(): TraceSummary[]
  summary(id: string): TraceSummary | undefined
  parts(id: string): TraceParts | undefined
  stats(): TraceStoreStats
  /** Settles at once what is still waiting. */
  settleAll(): void
  clear(): void
}

const runningTimeoutMs = 600_000

interface Entry {
  id: string
  spans: Map<string, OtlpSpan>
  scores: Map<string, Score>
  running: Map<string, { span: OtlpSpan; heardMs: number }>
  bytes: number
  settled: boolean
  revision: number
  timer?: NodeJS.Timeout
  /** Weak, because what is parsed takes as much memory as what was sent. */
  view?: WeakRef<Trace> | undefined
  summary?: TraceSummary | undefined
}

/** Creates an empty store. */
export function createTraceStore(options: TraceStoreOptions): TraceStore {
  const { onChange = () => {}, now = Date.now } = options
  const entries = new Map<string, Entry>()
  const totals = { spans: 0, bytes: 0, receivedSpans: 0, duplicateSpans: 0, evictedTraces: 0 }

  const open = (id: string): Entry => {
    const entry = entries.get(id)
    if (entry) return entry
    if (entries.size >= options.maxTraces) evictOldest()
    const created: Entry = {
      id,
      spans: new Map(),
      scores: new Map(),
      running: new Map(),
      bytes: 0,
      settled: false,
      revision: 0,
    }
    entries.set(id, created)
    return created
  }

  const remove = (entry: Entry): void => {
    clearTimeout(entry.timer)
    entries.delete(entry.id)
    totals.spans -= entry.spans.size + entry.running.size
    totals.bytes -= entry.bytes
    onChange(entry.id)
  }

  const discardEmpty = (entry: Entry): void => {
    if (entry.spans.size + entry.scores.size + entry.running.size === 0) remove(entry)
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

  const changed = (entry: Entry): void => {
    entry.view = undefined
    entry.summary = undefined
    onChange(entry.id)
  }

  const settle = (entry: Entry): void => {
    clearTimeout(entry.timer)
    if (entry.settled || entry.spans.size === 0) return
    entry.settled = true
    entry.revision += 1
    changed(entry)
    options.onSettle(view(entry))
  }

  const touch = (entry: Entry): void => {
    clearTimeout(entry.timer)
    changed(entry)
    entry.settled = false
    if (entry.spans.size === 0) return
    const hasRoot = [...entry.spans.values()].some(span => span.parentSpanId === undefined)
    entry.timer = setTimeout(settle, hasRoot ? options.settleMs : options.rootlessSettleMs, entry)
    entry.timer.unref()
  }

  const view = (entry: Entry): Trace => {
    const known = entry.view?.deref()
    if (known) return known
    const { settled, revision } = entry
    const trace = buildTrace([...entry.spans.values()], [...entry.scores.values()], { settled, revision })
    entry.view = new WeakRef(trace)
    return trace
  }

  const parts = (entry: Entry): TraceParts => {
    const isHeard = ({ heardMs }: { heardMs: number }): boolean => now() - heardMs < runningTimeoutMs
    const running = [...entry.running.values()].filter(isHeard).map(({ span }) => span)
    return { ended: [...entry.spans.values()], running, scores: [...entry.scores.values()] }
  }

  const summary = (entry: Entry | undefined): TraceSummary | undefined => {
    if (entry?.summary) return entry.summary
    const { ended, running, scores } = entry ? parts(entry) : { ended: [], running: [], scores: [] }
    if (!entry || ended.length + running.length === 0) return undefined
    const { settled, revision } = entry
    const made = summariseTrace(ended, running, scores, { settled, revision })
    // What runs may be given up on without anything happening, so it is summed up anew each time.
    if (running.length === 0) entry.summary = made
    return made
  }

  const stopRunning = (entry: Entry, spanId: string): void => {
    const open = entry.running.get(spanId)
    if (!open) return
    entry.running.delete(spanId)
    account(entry, -1, -spanBytes(open.span))
  }

  const setScore = (score: Score): Entry | undefined => {
    const size = scoreBytes(score)
    const entry = open(score.traceId)
    const earlier = entry.scores.get(score.id)
    if (earlier && isDeepStrictEqual(earlier, score)) return undefined
    const bytes = size - (earlier ? scoreBytes(earlier) : 0)
    if (!makeRoom(entry, 0, bytes)) {
      discardEmpty(entry)
      return undefined
    }
    entry.scores.set(score.id, score)
    account(entry, 0, bytes)
    return entry
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
    stopRunning(entry, span.spanId)
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
      const entry = setScore(score)
      if (entry) touch(entry)
    },
    addRunning(spans) {
      const refused: string[] = []
      for (const span of spans) {
        const entry = open(span.traceId)
        stopRunning(entry, span.spanId)
        if (entry.spans.has(span.spanId)) continue
        if (makeRoom(entry, 1, spanBytes(span))) {
          entry.running.set(span.spanId, { span, heardMs: now() })
          account(entry, 1, spanBytes(span))
          changed(entry)
        } else {
          discardEmpty(entry)
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
      discardEmpty(entry)
    },
    restore(spans, scores) {
      const { receivedSpans, duplicateSpans } = totals
      const touched = [...spans.map(addSpan), ...scores.map(setScore)]
      Object.assign(totals, { receivedSpans, duplicateSpans })
      for (const entry of touched) {
        if (typeof entry !== 'object' || entries.get(entry.id) !== entry) continue
        entry.settled = entry.spans.size > 0
        entry.revision = 1
        entry.view = undefined
        entry.summary = undefined
      }
    },
    ids: () => [...entries.keys()],
    summaries: () => [...entries.values()].flatMap(entry => summary(entry) ?? []),
    summary: id => summary(entries.get(id.toLowerCase())),
    parts: id => {
      const entry = entries.get(id.toLowerCase())
      const found = entry && parts(entry)
      return found && found.ended.length + found.running.length > 0 ? found : undefined
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
