import { isRunning, type OtlpSpan } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { defined, firstString, readMetadata } from './attribute-reading.ts'
import { type Level, levels, type ObservationFacts, readFacts } from './observation-facts.ts'
import type { Score } from './score.ts'
import { readStatusCode, type TraceTotals } from './trace.ts'

const maxNameLength = 300
const maxListed = 20

/** What a list of traces shows of each: everything but observations and payloads, cut to a bounded size. */
export interface TraceSummary {
  id: string
  name: string
  /** The route template, where the root's metadata or attributes carry one. */
  route?: string
  level: Level
  statusCode?: number
  startTimeMs: number
  endTimeMs: number
  durationMs: number
  userId?: string
  sessionId?: string
  tags: string[]
  environment: string
  release?: string
  version?: string
  service?: string
  totals: TraceTotals
  scores: Pick<Score, 'id' | 'name' | 'value' | 'observationId'>[]
  observationCount: number
  /** Observations that have begun and not ended. */
  runningCount: number
  settled: boolean
  revision: number
}

/** Sums a trace up without building its tree or parsing its payloads; there must be at least one span. */
export function summariseTrace(
  ended: OtlpSpan[],
  running: OtlpSpan[],
  scores: Score[],
  state: { settled: boolean; revision: number },
): TraceSummary {
  const arrived = [...ended, ...running]
  const totals: TraceTotals = { tokens: { input: 0, output: 0, total: 0 }, cost: 0, models: [] }
  const ids = new Set(arrived.map(span => span.spanId))
  const tags = new Set<string>()
  const models = new Map<string, number>()
  let root: { span: OtlpSpan; facts: ObservationFacts } | undefined
  let firstOrphan: ObservationFacts | undefined
  let earliest: ObservationFacts | undefined
  let level = 0
  let endTimeMs = 0
  const last: Partial<Record<'name' | 'userId' | 'sessionId' | 'release', string | undefined>> = {}
  for (const span of arrived) {
    const facts = readFacts(span)
    const isEarlier = (other: ObservationFacts | undefined): boolean =>
      other === undefined || facts.startTimeMs < other.startTimeMs
    if (facts.parentId === undefined && isEarlier(root?.facts)) root = { span, facts }
    if (facts.parentId !== undefined && !ids.has(facts.parentId) && isEarlier(firstOrphan))
      firstOrphan = facts
    if (isEarlier(earliest)) earliest = facts
    level = Math.max(level, levels.indexOf(facts.level))
    endTimeMs = Math.max(endTimeMs, facts.endTimeMs, facts.startTimeMs)
    totals.tokens.input += facts.tokens.input
    totals.tokens.output += facts.tokens.output
    totals.tokens.total += facts.tokens.total
    totals.cost += facts.cost
    if (facts.model !== undefined) {
      const model = cut(facts.model)
      models.set(model, (models.get(model) ?? 0) + facts.tokens.total)
    }
    for (const tag of facts.tags) if (tags.size < maxListed) tags.add(cut(tag))
    last.name = firstString(span.attributes, [attributeName.traceName]) ?? last.name
    last.userId = facts.userId ?? last.userId
    last.sessionId = facts.sessionId ?? last.sessionId
    last.release = facts.release ?? last.release
  }
  // The one that did most comes first: a list has little room.
  totals.models = [...models.keys()].sort((a, b) => models.get(b)! - models.get(a)!).slice(0, maxListed)
  const first = root?.facts ?? firstOrphan ?? earliest!
  const rootFacts = root && readRoot(root.span)
  return {
    id: first.traceId,
    name: cut(last.name ?? first.name),
    level: levels[level]!,
    startTimeMs: earliest!.startTimeMs,
    endTimeMs,
    durationMs: endTimeMs - earliest!.startTimeMs,
    tags: [...tags],
    environment: cut(first.environment),
    totals,
    scores: listScores(scores),
    observationCount: arrived.length,
    runningCount: running.filter(isRunning).length,
    ...state,
    ...rootFacts,
    ...defined({
      userId: last.userId && cut(last.userId),
      sessionId: last.sessionId && cut(last.sessionId),
      release: last.release && cut(last.release),
      version: first.version && cut(first.version),
      service: first.service && cut(first.service),
    }),
  }
}

/** What a list shows of a trace's scores. */
export function listScores(scores: Score[]): TraceSummary['scores'] {
  return scores.slice(0, maxListed).map(({ id, name, value, observationId }) => ({
    id: cut(id),
    name: cut(name),
    value: typeof value === 'string' ? cut(value) : value,
    ...defined({ observationId }),
  }))
}

function readRoot({ attributes }: OtlpSpan): Pick<TraceSummary, 'statusCode' | 'route'> {
  const metadata = {
    ...readMetadata(attributes, attributeName.traceMetadata),
    ...readMetadata(attributes, attributeName.observationMetadata),
  }
  const route = metadata.route ?? metadata['http.route'] ?? attributes['http.route']
  return defined({
    statusCode: readStatusCode({ metadata, attributes }),
    route: typeof route === 'string' ? cut(route) : undefined,
  })
}

function cut(text: string): string {
  return text.length > maxNameLength ? `${text.slice(0, maxNameLength)}…` : text
}
