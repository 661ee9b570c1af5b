import type { Attributes } from '@opentelemetry/api'
import type { Otel } from '../basics/otel.ts'
import type { Said } from '../capture/exchange.ts'
import { errorMessage, serialise, writeMetadata } from '../export/observation-attributes.ts'
import type { Level, Outcome } from '../http/outcome.ts'
import type { ResponseEnd } from '../http/response-watch.ts'
import type { Annotations } from './annotations.ts'

/** What is known of a root when it ends. */
interface RootFacts {
  readonly outcome: Outcome
  readonly level: Level
  /** JSON of the input and output, unless the app says others. */
  readonly input: string | undefined
  readonly output: string | undefined
  readonly requestId: string | undefined
  readonly userAgent: string | undefined
  readonly measured: ResponseEnd | undefined
  /** What was captured of bodies and headers, and measured of a stream. */
  readonly exchanged: Said | undefined
  readonly caller: { readonly traceId: string; readonly spanId: string } | undefined
  readonly failure: { readonly error: unknown } | undefined
  /** Metadata that the adapter's options give every request. */
  readonly described: Record<string, unknown> | undefined
  /** What the app said of it; wins. */
  readonly said: Annotations
}

/** Writes what is known of a root observation as its attributes, in Langfuse's names. */
export type RootWriter = (attributes: Attributes, facts: RootFacts) => void

/** Creates the writer; names are put together once, since every request has these. */
export function createRootWriter({ langfuse }: Otel): RootWriter {
  const attribute = langfuse.LangfuseOtelSpanAttributes
  const TYPE = attribute.OBSERVATION_TYPE
  const LEVEL = attribute.OBSERVATION_LEVEL
  const INPUT = attribute.OBSERVATION_INPUT
  const OUTPUT = attribute.OBSERVATION_OUTPUT
  const STATUS_MESSAGE = attribute.OBSERVATION_STATUS_MESSAGE
  const METADATA = attribute.OBSERVATION_METADATA
  const REQUEST_ID = `${METADATA}.requestId`
  const USER_AGENT = `${METADATA}.userAgent`
  const BYTES = `${METADATA}.responseBytes`
  const FIRST_BYTE = `${METADATA}.timeToFirstByteMs`
  const ROUTE = `${METADATA}.route`
  const STATUS = `${METADATA}.statusCode`
  const END = `${METADATA}.end`

  return (attributes, facts) => {
    const { outcome, level, requestId, userAgent, measured, exchanged, caller, failure, described, said } =
      facts
    const { metadata, update: updated } = said
    attributes[TYPE] = 'span'
    attributes[LEVEL] = level
    const input = serialise(updated?.input) ?? facts.input
    if (input !== undefined) attributes[INPUT] = input
    const output = serialise(updated?.output) ?? facts.output
    if (output !== undefined) attributes[OUTPUT] = output
    const message = updated?.statusMessage ?? statusMessage(outcome, level, failure)
    if (message !== undefined) attributes[STATUS_MESSAGE] = message

    if (exchanged !== undefined) {
      const firstTokenAt = serialise(exchanged.firstTokenAt)
      if (firstTokenAt !== undefined) attributes[attribute.OBSERVATION_COMPLETION_START_TIME] = firstTokenAt
      writeMetadata(attributes, METADATA, exchanged.metadata)
    }
    if (requestId !== undefined) attributes[REQUEST_ID] = requestId
    if (userAgent !== undefined) attributes[USER_AGENT] = userAgent
    if (described !== undefined) writeMetadata(attributes, METADATA, described)
    if (measured?.responseBytes !== undefined) attributes[BYTES] = String(measured.responseBytes)
    if (measured?.timeToFirstByteMs !== undefined) attributes[FIRST_BYTE] = String(measured.timeToFirstByteMs)
    if (caller !== undefined) {
      attributes[`${METADATA}.callerTraceId`] = caller.traceId
      attributes[`${METADATA}.callerSpanId`] = caller.spanId
    }
    if (metadata !== undefined) writeMetadata(attributes, METADATA, metadata)
    if (outcome.route !== undefined) attributes[ROUTE] = outcome.route
    if (outcome.statusCode !== undefined) attributes[STATUS] = String(outcome.statusCode)
    attributes[END] = outcome.end
    if (failure !== undefined) attributes[`${METADATA}.error`] = errorMessage(failure.error)
    if (updated?.metadata !== undefined) writeMetadata(attributes, METADATA, updated.metadata)
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
