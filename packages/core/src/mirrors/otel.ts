import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { copySpan, type SpanChanges } from './copy-span.ts'
import { genAiAttributes, operationOf } from './gen-ai-attributes.ts'
import { httpAttributes } from './http-attributes.ts'
import { type MirroredObservation, readObservation } from './observation.ts'

/** How a dialect is asked for a copy of a span. */
interface DialectOptions {
  /** Whether the copy may say what was asked and answered. */
  readonly contents: boolean
}

/** Rewrites a span into a copy that another backend recognises. */
export type MirrorDialect = (span: ReadableSpan, options: DialectOptions) => ReadableSpan

const SERVER = 1
const CLIENT = 2
const ERROR = 2

/** OpenTelemetry's HTTP and GenAI conventions. */
export const otel: MirrorDialect = (span, { contents }) => {
  const observation = readObservation(span)
  return copySpan(span, {
    ...conventionalSpan(observation),
    name: nameOf(observation),
    attributes: {
      ...genAiAttributes(observation, contents),
      ...ownAttributes(observation),
    },
  })
}

/** The kind and status of a span by OpenTelemetry's conventions. */
export function conventionalSpan(observation: MirroredObservation): SpanChanges {
  const { span, error } = observation
  const { status } = span
  if (error === undefined || status.code !== 0) return { kind: kindOf(observation), status }
  return {
    kind: kindOf(observation),
    status: { code: ERROR, ...(error.message !== undefined && { message: error.message }) },
  }
}

/** The span's own attributes without Langfuse's internal ones, with what HTTP and errors are called by OpenTelemetry. */
export function ownAttributes({ span, served, error }: MirroredObservation): ReadableSpan['attributes'] {
  const own = Object.entries(span.attributes).filter(([name]) => !name.startsWith('langfuse.internal.'))
  return {
    ...(served !== undefined && httpAttributes(served)),
    ...(error !== undefined && { 'error.type': error.type }),
    ...Object.fromEntries(own),
  }
}

function kindOf({ span, served, isModelCall, type, metadata }: MirroredObservation): ReadableSpan['kind'] {
  if (served !== undefined) return SERVER
  const isCall = isModelCall || (type === 'retriever' && metadata('serverAddress') !== undefined)
  return isCall ? CLIENT : span.kind
}

function nameOf(observation: MirroredObservation): string {
  const { span, type, isModelCall, requestModel } = observation
  const operation = operationOf(observation)
  const subject = isModelCall ? requestModel : type === 'tool' || type === 'agent' ? span.name : undefined
  return operation === undefined || subject === undefined ? span.name : `${operation} ${subject}`
}
