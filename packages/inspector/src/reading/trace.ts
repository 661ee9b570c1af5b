import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { defined, firstString, firstValue } from './attribute-reading.ts'
import { type Observation, toObservation } from './observation.ts'
import { type Level, levels } from './observation-facts.ts'
import { arrangeObservations } from './observation-tree.ts'
import type { PriceOf } from './price-of.ts'
import type { Score } from './score.ts'
import type { Tokens } from './usage.ts'

/** A trace as Langfuse would show it, at the moment it was asked for. */
export interface Trace {
  id: string
  /** The `langfuse.trace.name` that arrived last, else the name of the root. */
  name: string
  /** The worst level among the observations. */
  level: Level
  /** HTTP status, where the root carries one in its metadata or attributes. */
  statusCode?: number
  startTimeMs: number
  endTimeMs: number
  /** From the first start to the last end. */
  durationMs: number
  /** The earliest observation without a parent; absent until it arrives. */
  root?: Observation
  /** What has no place below another observation: roots, and orphans while there is no root. */
  topLevel: Observation[]
  /** All of them, depth first, siblings in order of start. */
  observations: Observation[]
  /** Of the root only, as in Langfuse. */
  input?: unknown
  /** Of the root only, as in Langfuse. */
  output?: unknown
  /** Of the root only, as in Langfuse. */
  metadata: Record<string, unknown>
  userId?: string
  sessionId?: string
  tags: string[]
  environment: string
  release?: string
  version?: string
  /** The service of the root. */
  service?: string
  totals: TraceTotals
  scores: Score[]
  /** True when the root is here and no span has come for a while. */
  settled: boolean
  /** How many times it settled: above 1 after late spans or scores. */
  revision: number
}

/** Sums over a trace's observations. */
export interface TraceTotals {
  tokens: Tokens
  /** US dollars. */
  cost: number
  /** True if part of the cost was computed from a price table. */
  costEstimated?: true
  /** Distinct, in order of use. */
  models: string[]
}

/** Builds the trace from its spans and scores in order of arrival; there must be at least one span. */
export function buildTrace(
  spans: OtlpSpan[],
  scores: Score[],
  state: { settled: boolean; revision: number },
  priceOf?: PriceOf,
): Trace {
  const arrived = spans.map(span => toObservation(span, priceOf))
  const { root, topLevel, observations } = arrangeObservations(arrived)
  const first = root ?? topLevel[0]!
  const last = <T>(read: (observation: Observation) => T | undefined): T | undefined =>
    arrived.reduce<T | undefined>((latest, observation) => read(observation) ?? latest, undefined)
  const startTimeMs = least(observations.map(observation => observation.startTimeMs))
  const endTimeMs = -least(observations.map(observation => -observation.endTimeMs))
  const rootText = (name: string): unknown => firstValue(root?.attributes ?? {}, [name])
  return {
    id: first.traceId,
    name: last(({ attributes }) => firstString(attributes, [attributeName.traceName])) ?? first.name,
    level: worstLevel(observations),
    ...defined({ statusCode: root && readStatusCode(root) }),
    startTimeMs,
    endTimeMs,
    durationMs: Math.max(0, endTimeMs - startTimeMs),
    ...defined({ root }),
    topLevel,
    observations,
    ...defined({
      input: rootText(attributeName.traceInput) ?? root?.input,
      output: rootText(attributeName.traceOutput) ?? root?.output,
    }),
    metadata: root?.metadata ?? {},
    ...defined({
      userId: last(observation => observation.userId),
      sessionId: last(observation => observation.sessionId),
    }),
    tags: [...new Set(observations.flatMap(observation => observation.tags))],
    environment: first.environment,
    ...defined({
      release: last(observation => observation.release),
      version: first.version,
      service: first.service,
    }),
    totals: addUp(observations),
    scores,
    ...state,
  }
}

function worstLevel(observations: Observation[]): Level {
  return levels[Math.max(...new Set(observations.map(({ level }) => levels.indexOf(level))))]!
}

function addUp(observations: Observation[]): TraceTotals {
  const totals: TraceTotals = { tokens: { input: 0, output: 0, total: 0 }, cost: 0, models: [] }
  for (const { tokens, cost, costEstimated, model } of observations) {
    totals.tokens.input += tokens.input
    totals.tokens.output += tokens.output
    totals.tokens.total += tokens.total
    totals.cost += cost
    if (costEstimated) totals.costEstimated = true
    if (model !== undefined && !totals.models.includes(model)) totals.models.push(model)
  }
  return totals
}

/** The HTTP status that a root carries in its metadata or attributes. */
export function readStatusCode({
  metadata,
  attributes,
}: Pick<Observation, 'metadata' | 'attributes'>): number | undefined {
  const candidates = [
    metadata.statusCode,
    metadata.status,
    metadata['http.response.status_code'],
    metadata['http.status_code'],
    attributes['http.response.status_code'],
    attributes['http.status_code'],
  ]
  return candidates.map(Number).find(code => Number.isInteger(code) && code >= 100 && code <= 599)
}

function least(values: number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
}
