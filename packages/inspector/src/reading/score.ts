import { randomUUID } from 'node:crypto'
import { RequestError } from '../basics/request-error.ts'

/** A score as Langfuse's API takes it. */
export interface Score {
  id: string
  traceId: string
  /** Absent where the score is of the trace as a whole. */
  observationId?: string
  name: string
  value: number | string | boolean
  dataType?: string
  comment?: string
  environment?: string
  metadata?: unknown
}

/** The answer of Langfuse's ingestion endpoint, sent with status 207. */
export interface IngestionResponse {
  successes: { id: string; status: number }[]
  errors: { id: string; status: number; message: string }[]
}

/** Reads a score from a request; throws a RequestError that says what is wrong with it. */
export function parseScore(body: unknown): { id: string; score?: Score } {
  const { traceId, observationId, name, value, dataType, comment, environment, metadata, ...rest } = record(
    body,
    'score',
  )
  if (typeof name !== 'string' || name === '') throw new RequestError(400, 'score.name must be a string')
  if (!['number', 'string', 'boolean'].includes(typeof value))
    throw new RequestError(400, 'score.value is missing')
  const id = typeof rest.id === 'string' && rest.id !== '' ? rest.id : randomUUID()
  // Scores of sessions and dataset runs are valid, but no trace of ours shows them.
  if (typeof traceId !== 'string' || traceId === '') return { id }
  const score: Score = {
    id,
    traceId,
    name,
    value: value as Score['value'],
    ...(typeof observationId === 'string' && { observationId }),
    ...(typeof dataType === 'string' && { dataType }),
    ...(typeof comment === 'string' && { comment }),
    ...(typeof environment === 'string' && { environment }),
    ...(metadata != null && { metadata }),
  }
  return { id, score }
}

/** What became of a list of scores, as Langfuse's endpoint answers it: 202 where all are fine, else 207. */
export interface ScoreListResponse {
  accepted: number
  rejected: number
  errors: { message: string }[]
}

/** Hands the scores of a list to `keep`; one that is wrong costs the others nothing. */
export function ingestScores(list: readonly unknown[], keep: (score: Score) => void): ScoreListResponse {
  const errors: { message: string }[] = []
  for (const one of list) {
    try {
      const { score } = parseScore(one)
      if (score) keep(score)
    } catch (error) {
      errors.push({ message: (error as Error).message })
    }
  }
  return { accepted: list.length - errors.length, rejected: errors.length, errors }
}

/** Hands the scores of an ingestion batch to `keep` and answers for each event on its own. */
export function ingestBatch(body: unknown, keep: (score: Score) => void): IngestionResponse {
  const { batch } = record(body, 'body')
  if (!Array.isArray(batch)) throw new RequestError(400, 'batch must be an array')
  const response: IngestionResponse = { successes: [], errors: [] }
  for (const event of batch) {
    const id = String((event as { id?: unknown } | null)?.id ?? '')
    try {
      const { type, body: eventBody } = record(event, 'event')
      if (type === 'score-create') {
        const { score } = parseScore(eventBody)
        if (score) keep(score)
      } else if (type !== 'sdk-log') {
        throw new RequestError(
          400,
          `the inspector takes score-create events and OTLP spans, not ${String(type)}`,
        )
      }
      response.successes.push({ id, status: 201 })
    } catch (error) {
      response.errors.push({ id, status: 400, message: (error as Error).message })
    }
  }
  return response
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new RequestError(400, `${name} must be an object`)
  return value as Record<string, unknown>
}
