import type { OtlpSpan } from '../otlp/otlp-span.ts'
import type { PriceOf } from '../reading/price-of.ts'
import type { Score } from '../reading/score.ts'
import { buildTrace, type Trace } from '../reading/trace.ts'
import { listScores, summariseTrace, type TraceSummary } from '../reading/trace-summary.ts'
import type { StoredTrace } from './stored-line.ts'

const runningTimeoutMs = 600_000

/** The spans and scores of one trace, as they came. */
export interface TraceParts {
  ended: OtlpSpan[]
  /** Of what runs, ended ones too where the sender holds them back until all of it ends. */
  running: OtlpSpan[]
  scores: Score[]
}

/** What a store keeps of one trace. */
export interface TraceEntry {
  readonly id: string
  /** Empty as long as they are unread. */
  readonly spans: Map<string, OtlpSpan>
  readonly scores: Map<string, Score>
  readonly running: Map<string, { span: OtlpSpan; heardMs: number }>
  /** What an earlier run kept, until somebody wants more of it than the list shows. */
  unread: StoredTrace | undefined
  bytes: number
  settled: boolean
  revision: number
  timer?: NodeJS.Timeout
  /** Weak, because what is parsed takes as much memory as what was sent. */
  view?: WeakRef<Trace> | undefined
  summary?: TraceSummary | undefined
}

/** An entry with nothing in it yet. */
export function newEntry(id: string): TraceEntry {
  return {
    id,
    spans: new Map(),
    scores: new Map(),
    running: new Map(),
    unread: undefined,
    bytes: 0,
    settled: false,
    revision: 0,
  }
}

/** Its ended spans, in order of arrival; they are read now if they were not. */
export function spansOf(entry: TraceEntry): Map<string, OtlpSpan> {
  const { unread, spans } = entry
  if (!unread) return spans
  entry.unread = undefined
  for (const span of unread.read()) spans.set(span.spanId, span)
  return spans
}

/** How many spans have ended. */
export function countOf({ unread, spans }: TraceEntry): number {
  return unread?.summary.observationCount ?? spans.size
}

/** What there is of a trace; of what runs, what was mentioned not too long ago. */
export function partsOf(entry: TraceEntry, nowMs: number): TraceParts {
  return {
    ended: [...spansOf(entry).values()],
    running: runningOf(entry, nowMs),
    scores: [...entry.scores.values()],
  }
}

/** The trace as it is shown, made anew where nobody holds it any more. */
export function viewOf(entry: TraceEntry, priceOf: PriceOf): Trace {
  const known = entry.view?.deref()
  if (known) return known
  const { settled, revision } = entry
  const spans = [...spansOf(entry).values()]
  const trace = buildTrace(spans, [...entry.scores.values()], { settled, revision }, priceOf)
  entry.view = new WeakRef(trace)
  return trace
}

/** What a list shows of it; `undefined` where there are no spans yet. */
export function summaryOf(entry: TraceEntry, nowMs: number, priceOf: PriceOf): TraceSummary | undefined {
  if (entry.summary) return entry.summary
  const running = runningOf(entry, nowMs)
  if (countOf(entry) + running.length === 0) return undefined
  const made = summarise(entry, running, priceOf)
  // What runs may be given up on without anything happening, so it is summed up anew each time.
  if (running.length === 0) entry.summary = made
  return made
}

function summarise(entry: TraceEntry, running: OtlpSpan[], priceOf: PriceOf): TraceSummary {
  const { unread, settled, revision } = entry
  const scores = [...entry.scores.values()]
  if (unread && running.length === 0)
    return { ...unread.summary, scores: listScores(scores), settled, revision }
  return summariseTrace([...spansOf(entry).values()], running, scores, { settled, revision }, priceOf)
}

function runningOf({ running }: TraceEntry, nowMs: number): OtlpSpan[] {
  const spans: OtlpSpan[] = []
  for (const { span, heardMs } of running.values()) if (nowMs - heardMs < runningTimeoutMs) spans.push(span)
  return spans
}
