import type { TraceSummary } from './trace-summary.ts'

/** What an overview groups by. */
export type OverviewKind = 'route' | 'model' | 'user'

/** The figures of one route, model or user. */
export interface OverviewRow {
  key: string
  /** Requests, or calls if grouped by model. */
  count: number
  errors: number
  p50: number
  p95: number
  p99: number
  /** Median time to the first token in ms; absent if none was measured. */
  firstToken?: number
  tokens: number
  /** US dollars. */
  cost: number
}

/** One span of time. */
export interface OverviewBucket {
  startMs: number
  count: number
  errors: number
  p95: number | null
}

/** Errors with one message. */
export interface ErrorGroup {
  message: string
  count: number
  lastMs: number
  traceId: string
}

interface Sample {
  key: string
  durationMs: number
  firstTokenMs: number | undefined
  failed: boolean
  tokens: number
  cost: number
}

/** Sums traces up by route, model or user, the most frequent first. */
export function summariseBy(kind: OverviewKind, traces: readonly TraceSummary[]): OverviewRow[] {
  const groups = new Map<string, Sample[]>()
  for (const sample of traces.flatMap(trace => samplesOf(kind, trace))) {
    const group = groups.get(sample.key)
    if (group) group.push(sample)
    else groups.set(sample.key, [sample])
  }
  return [...groups].map(([key, samples]) => toRow(key, samples)).sort((a, b) => b.count - a.count)
}

function samplesOf(kind: OverviewKind, trace: TraceSummary): Sample[] {
  if (kind === 'model') {
    return (trace.calls ?? []).map(call => ({
      key: call.model,
      durationMs: call.durationMs,
      firstTokenMs: call.firstTokenMs,
      failed: call.failed === true,
      tokens: call.input + call.output,
      cost: call.cost,
    }))
  }
  const key = kind === 'route' ? trace.name : trace.userId
  if (key === undefined || trace.runningCount > 0) return []
  return [
    {
      key,
      durationMs: trace.durationMs,
      firstTokenMs: trace.firstTokenMs,
      failed: trace.level === 'ERROR',
      tokens: trace.totals.tokens.total,
      cost: trace.totals.cost,
    },
  ]
}

function toRow(key: string, samples: Sample[]): OverviewRow {
  const durations = samples.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
  const firsts = samples.flatMap(({ firstTokenMs }) => firstTokenMs ?? []).sort((a, b) => a - b)
  return {
    key,
    count: samples.length,
    errors: samples.filter(({ failed }) => failed).length,
    p50: percentile(durations, 50),
    p95: percentile(durations, 95),
    p99: percentile(durations, 99),
    ...(firsts.length > 0 && { firstToken: percentile(firsts, 50) }),
    tokens: samples.reduce((sum, { tokens }) => sum + tokens, 0),
    cost: samples.reduce((sum, { cost }) => sum + cost, 0),
  }
}

/** The value that so many percent of the sorted values do not exceed (nearest rank). */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0
}

const stepsMs = [
  1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000,
]
const maxBuckets = 60

/** Requests over time, in at most 60 steps of a round length. */
export function overTime(traces: readonly TraceSummary[]): { stepMs: number; buckets: OverviewBucket[] } {
  const starts = traces.map(({ startTimeMs }) => startTimeMs).filter(ms => ms > 0 && ms < 8.64e15)
  if (starts.length === 0) return { stepMs: stepsMs[0]!, buckets: [] }
  const first = starts.reduce((least, ms) => Math.min(least, ms))
  const last = starts.reduce((most, ms) => Math.max(most, ms))
  const stepMs =
    stepsMs.find(step => (last - first) / step < maxBuckets - 1) ??
    Math.ceil((last - first) / (maxBuckets - 1))
  const origin = Math.floor(first / stepMs) * stepMs
  const held = Array.from({ length: Math.floor((last - origin) / stepMs) + 1 }, (): TraceSummary[] => [])
  for (const trace of traces) held[Math.floor((trace.startTimeMs - origin) / stepMs)]?.push(trace)
  const buckets = held.map((inside, index) => ({
    startMs: origin + index * stepMs,
    count: inside.length,
    errors: inside.filter(({ level }) => level === 'ERROR').length,
    p95:
      inside.length === 0
        ? null
        : percentile(
            inside.map(({ durationMs }) => durationMs).sort((a, b) => a - b),
            95,
          ),
  }))
  return { stepMs, buckets }
}

/** Errors by their message, in which numbers and ids count as the same; the most frequent first. */
export function groupErrors(traces: readonly TraceSummary[]): ErrorGroup[] {
  const groups = new Map<string, ErrorGroup>()
  for (const { id, level, errorMessage, startTimeMs } of traces) {
    if (level !== 'ERROR') continue
    const message = errorMessage ?? '(no message)'
    const key = message.replace(/[\da-f]{8,}|\d+/gi, '#')
    const group = groups.get(key) ?? { message, count: 0, lastMs: 0, traceId: id }
    group.count += 1
    if (startTimeMs >= group.lastMs) Object.assign(group, { lastMs: startTimeMs, traceId: id, message })
    groups.set(key, group)
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}
