import { isRunning, type OtlpSpan } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { defined, firstString, readMetadata } from './attribute-reading.ts'
import { type Level, levels, type ObservationFacts, readFacts } from './observation-facts.ts'
import type { PriceOf } from './price-of.ts'
import type { Score } from './score.ts'
import { readStatusCode, type TraceTotals } from './trace.ts'
import { readTurn } from './turn.ts'

const maxNameLength = 300
const maxListed = 20
const maxCalls = 50

/** A call of a model, as the overview counts it. */
interface CallSummary {
  model: string
  durationMs: number
  firstTokenMs?: number
  input: number
  output: number
  /** US dollars. */
  cost: number
  failed?: true
}

/** What a list of traces shows of each: everything but observations and payloads, cut to a bounded size. */
export interface TraceSummary {
  id: string
  name: string
  /** The route template, where the root's metadata or attributes carry one. */
  route?: string
  /** The path that was asked for, without its query. */
  path?: string
  /** What was asked and answered, cut. */
  question?: string
  answer?: string
  /** The message of the error that the others come from. */
  errorMessage?: string
  /** From the start of the trace to the first token of any model. */
  firstTokenMs?: number
  /** Calls of models, at most 50. */
  calls?: CallSummary[]
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

/** Sums a trace up without building its tree; there must be at least one span. */
export function summariseTrace(
  ended: OtlpSpan[],
  running: OtlpSpan[],
  scores: Score[],
  state: { settled: boolean; revision: number },
  priceOf?: PriceOf,
): TraceSummary {
  const arrived = [...ended, ...running]
  const all = arrived.map(span => ({ span, facts: readFacts(span, priceOf) }))
  const { root, first, startTimeMs } = findFirst(all)
  const found = collect(all)
  const { name, userId, sessionId, release } = found.last
  const turn = readTurn(root?.span, arrived)
  return {
    id: first.traceId,
    name: cut(name ?? first.name),
    level: levels[found.level]!,
    startTimeMs,
    endTimeMs: found.endTimeMs,
    durationMs: found.endTimeMs - startTimeMs,
    tags: [...found.tags],
    environment: cut(first.environment),
    totals: found.totals,
    scores: listScores(scores),
    observationCount: arrived.length,
    runningCount: running.filter(isRunning).length,
    ...state,
    ...(root && readRoot(root.span)),
    ...(found.calls.length > 0 && { calls: found.calls }),
    ...defined({
      userId: userId && cut(userId),
      sessionId: sessionId && cut(sessionId),
      release: release && cut(release),
      version: first.version && cut(first.version),
      service: first.service && cut(first.service),
      question: turn.question && cut(turn.question),
      answer: turn.answer && cut(turn.answer),
      errorMessage: found.errorMessage && cut(found.errorMessage),
      firstTokenMs:
        found.firstTokenAtMs === undefined ? undefined : Math.max(0, found.firstTokenAtMs - startTimeMs),
    }),
  }
}

interface ReadSpan {
  span: OtlpSpan
  facts: ObservationFacts
}

/** The root, and what stands for it as long as it has not arrived. */
function findFirst(all: ReadSpan[]): { root?: ReadSpan; first: ObservationFacts; startTimeMs: number } {
  const ids = new Set(all.map(({ facts }) => facts.id))
  const earliest = (some: ReadSpan[]): ReadSpan | undefined =>
    some.reduce<ReadSpan | undefined>(
      (least, one) => (least === undefined || one.facts.startTimeMs < least.facts.startTimeMs ? one : least),
      undefined,
    )
  const root = earliest(all.filter(({ facts }) => facts.parentId === undefined))
  const orphan = root ?? earliest(all.filter(({ facts }) => !ids.has(facts.parentId!)))
  const start = earliest(all)!
  return {
    ...(root && { root }),
    first: (orphan ?? start).facts,
    startTimeMs: start.facts.startTimeMs,
  }
}

interface Collected {
  totals: TraceTotals
  tags: Set<string>
  /** Index into `levels`. */
  level: number
  endTimeMs: number
  firstTokenAtMs: number | undefined
  errorMessage: string | undefined
  calls: CallSummary[]
  /** Those that arrived last. */
  last: Partial<Record<'name' | 'userId' | 'sessionId' | 'release', string | undefined>>
}

function collect(all: ReadSpan[]): Collected {
  const totals: TraceTotals = { tokens: { input: 0, output: 0, total: 0 }, cost: 0, models: [] }
  const models = new Map<string, number>()
  const found: Collected = {
    totals,
    tags: new Set(),
    level: 0,
    endTimeMs: 0,
    firstTokenAtMs: undefined,
    errorMessage: undefined,
    calls: [],
    last: {},
  }
  let errorStartMs = -1
  for (const { span, facts } of all) {
    const { tokens, model, completionStartTimeMs: firstToken, startTimeMs } = facts
    found.level = Math.max(found.level, levels.indexOf(facts.level))
    found.endTimeMs = Math.max(found.endTimeMs, facts.endTimeMs, startTimeMs)
    totals.tokens.input += tokens.input
    totals.tokens.output += tokens.output
    totals.tokens.total += tokens.total
    totals.cost += facts.cost
    if (facts.costEstimated) totals.costEstimated = true
    if (model !== undefined) {
      models.set(cut(model), (models.get(cut(model)) ?? 0) + tokens.total)
      if (isCall(facts) && found.calls.length < maxCalls) found.calls.push(summariseCall(facts, cut(model)))
    }
    if (firstToken !== undefined && firstToken < (found.firstTokenAtMs ?? Number.POSITIVE_INFINITY))
      found.firstTokenAtMs = firstToken
    const message = facts.level === 'ERROR' ? facts.statusMessage : undefined
    // The error that started last is where the others come from; a bare status says nothing.
    if (
      message &&
      (startTimeMs >= errorStartMs || isBareStatus(found.errorMessage)) &&
      !(found.errorMessage && isBareStatus(message))
    ) {
      found.errorMessage = message
      errorStartMs = startTimeMs
    }
    for (const tag of facts.tags) if (found.tags.size < maxListed) found.tags.add(cut(tag))
    found.last.name = firstString(span.attributes, [attributeName.traceName]) ?? found.last.name
    found.last.userId = facts.userId ?? found.last.userId
    found.last.sessionId = facts.sessionId ?? found.last.sessionId
    found.last.release = facts.release ?? found.last.release
  }
  // The one that did most comes first: a list has little room.
  totals.models = [...models.keys()].sort((a, b) => models.get(b)! - models.get(a)!).slice(0, maxListed)
  return found
}

function isBareStatus(message: string | undefined): boolean {
  return message !== undefined && /^HTTP \d+$/.test(message)
}

function isCall({ type }: ObservationFacts): boolean {
  return type === 'generation' || type === 'embedding'
}

function summariseCall(facts: ObservationFacts, model: string): CallSummary {
  const { durationMs, completionStartTimeMs: first, startTimeMs, tokens, cost, level } = facts
  return {
    model,
    durationMs,
    input: tokens.input,
    output: tokens.output,
    cost,
    ...(first !== undefined && { firstTokenMs: Math.max(0, first - startTimeMs) }),
    ...(level === 'ERROR' && { failed: true as const }),
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

function readRoot({ attributes }: OtlpSpan): Pick<TraceSummary, 'statusCode' | 'route' | 'path'> {
  const metadata = {
    ...readMetadata(attributes, attributeName.traceMetadata),
    ...readMetadata(attributes, attributeName.observationMetadata),
  }
  const route = metadata.route ?? metadata['http.route'] ?? attributes['http.route']
  const path = metadata.path ?? attributes['url.path'] ?? pathIn(attributes[attributeName.observationInput])
  return defined({
    statusCode: readStatusCode({ metadata, attributes }),
    route: typeof route === 'string' ? cut(route) : undefined,
    path: typeof path === 'string' ? cut(path) : undefined,
  })
}

/** The path in what the middleware records of a request. */
function pathIn(input: unknown): string | undefined {
  const found =
    typeof input === 'string' ? /^\{"method":"[A-Z]+","path":("(?:[^"\\]|\\.)*")/.exec(input) : null
  return found ? (JSON.parse(found[1]!) as string) : undefined
}

function cut(text: string): string {
  return text.length > maxNameLength ? `${text.slice(0, maxNameLength)}…` : text
}
