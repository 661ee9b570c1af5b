import type { Attributes } from '@opentelemetry/api'
import { errorMessage, serialise, writeMetadata } from './observation-attributes.ts'
import type { Otel } from './otel.ts'
import type { Level, Outcome } from './outcome.ts'
import type { ObservationUpdate } from './request-trace.ts'

/** What is known of a root when it ends. */
export interface RootFacts {
  readonly outcome: Outcome
  readonly level: Level
  readonly input: unknown
  readonly output: unknown
  readonly metadata: Record<string, unknown>
  readonly failure: { readonly error: unknown } | undefined
  /** When the first token of a stream was written. */
  readonly firstTokenAt: Date | undefined
  /** What the app said of it; wins. */
  readonly updated: ObservationUpdate
}

/** The attributes of a root observation, in Langfuse's names. */
export function rootAttributes(
  otel: Otel,
  { outcome, level, failure, updated, ...facts }: RootFacts,
): Attributes {
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes
  const attributes: Attributes = {
    [attribute.OBSERVATION_TYPE]: 'span',
    [attribute.OBSERVATION_LEVEL]: level,
  }
  set(attribute.OBSERVATION_INPUT, serialise(updated.input ?? facts.input))
  set(attribute.OBSERVATION_OUTPUT, serialise(updated.output ?? facts.output))
  set(attribute.OBSERVATION_COMPLETION_START_TIME, serialise(facts.firstTokenAt))
  set(attribute.OBSERVATION_STATUS_MESSAGE, updated.statusMessage ?? statusMessage(outcome, level, failure))
  writeMetadata(attributes, attribute.OBSERVATION_METADATA, {
    ...facts.metadata,
    route: outcome.route,
    statusCode: outcome.statusCode,
    end: outcome.end,
    error: failure && errorMessage(failure.error),
    ...updated.metadata,
  })
  return attributes

  function set(name: string, value: string | undefined): void {
    if (value !== undefined) attributes[name] = value
  }
}

function statusMessage(
  { end, statusCode }: Outcome,
  level: Level,
  failure: RootFacts['failure'],
): string | undefined {
  if (level !== 'ERROR' && level !== 'WARNING') return undefined
  if (failure !== undefined) return errorMessage(failure.error)
  if (end !== 'completed') return end.replace('_', ' ')
  return statusCode === undefined ? undefined : `HTTP ${statusCode}`
}
