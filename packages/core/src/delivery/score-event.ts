import type { ScoreEvent } from '@langfuse-middleware/delivery'
import type { Score, ScoreDataType } from '../context/score.ts'

const MAX_NAME = 200
// Room for a trace's id beside a name.
const MAX_ID = 250
const MAX_TEXT = 500
const MAX_COMMENT = 5_000
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/i
const OBSERVATION_ID = /^(?!0{16})[0-9a-f]{16}$/i
// Databases refuse some of these, and terminals obey others.
const UNPRINTABLE = /(?![\t\n\r])[\p{Cc}\p{Cs}]/gu

/** Turns a score into what Langfuse takes. Throws a TypeError that says what is wrong with it. */
export function toScoreEvent(traceId: string, score: Score, environment: string): ScoreEvent {
  const { name, comment, id, observationId, metadata } = score
  if (!isTraceId(traceId)) throw new TypeError('traceId must be 32 hex digits')
  if (observationId !== undefined && !OBSERVATION_ID.test(observationId))
    throw new TypeError('observationId must be 16 hex digits')
  return {
    id: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    type: 'score-create',
    body: {
      id: id === undefined ? crypto.randomUUID() : scoreId(id),
      traceId: traceId.toLowerCase(),
      name: text('name', name, MAX_NAME),
      ...typedValue(score),
      ...(comment !== undefined && { comment: printable('comment', comment).slice(0, MAX_COMMENT) }),
      ...(observationId !== undefined && { observationId: observationId.toLowerCase() }),
      // A copy: what the app does with the object afterwards is its own affair.
      ...(metadata !== undefined && { metadata: JSON.parse(JSON.stringify(metadata)) }),
      environment,
    },
  }
}

/** A score's id as Langfuse takes it; throws a TypeError where a value is none. */
export function scoreId(value: unknown): string {
  return text('id', value, MAX_ID)
}

/** Whether a value is a trace's id. */
export function isTraceId(value: unknown): value is string {
  return typeof value === 'string' && TRACE_ID.test(value)
}

function typedValue({ value, dataType }: Score): { value: number | string; dataType: ScoreDataType } {
  switch (typeof value) {
    case 'boolean':
      return { value: Number(value), dataType: matching(dataType, 'BOOLEAN') }
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('value must be finite')
      return value === 0 || value === 1
        ? { value, dataType: matching(dataType, 'NUMERIC', 'BOOLEAN') }
        : { value, dataType: matching(dataType, 'NUMERIC') }
    default:
      return {
        value: text('value', value, MAX_TEXT),
        dataType: matching(dataType, 'CATEGORICAL', 'TEXT'),
      }
  }
}

function matching(
  dataType: ScoreDataType | undefined,
  byDefault: ScoreDataType,
  ...others: ScoreDataType[]
): ScoreDataType {
  if (dataType === undefined || dataType === byDefault || others.includes(dataType))
    return dataType ?? byDefault
  throw new TypeError(`a value of this kind has the dataType ${[byDefault, ...others].join(' or ')}`)
}

function text(name: string, value: unknown, maxLength: number): string {
  const clean = printable(name, value).trim()
  if (clean !== '' && clean.length <= maxLength) return clean
  throw new TypeError(`${name} must have 1 to ${maxLength} characters`)
}

function printable(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
  return value.replace(UNPRINTABLE, '')
}
