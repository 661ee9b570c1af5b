import type { Attributes } from '@opentelemetry/api'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { errorText } from '../capture/error-text.ts'
import type { Said } from '../capture/exchange.ts'
import { redactText } from '../capture/text/credentials.ts'
import { serialise, writeMetadata } from '../export/observation-attributes.ts'
import type { Level, Outcome } from '../http/outcome.ts'
import { pathOf, queryKeysOf } from '../http/request-like.ts'
import type { ResponseEnd } from '../http/response-watch.ts'
import type { InspectorAttributes } from './inspector-attributes.ts'
import type { RequestState } from './request-state.ts'

/** What was observed of a response. */
export interface ObservedResponse {
  /** Undefined if the response was not watched. */
  readonly measured: ResponseEnd | undefined
  /** What was captured of bodies and headers, and measured of a stream. */
  readonly captured: Said | undefined
}

/** Builds the attributes of a root observation, in Langfuse's names, of a request that has ended. */
export type RootAttributes = (
  request: RequestState,
  outcome: Outcome,
  response: ObservedResponse,
) => Attributes

const MAX_USER_AGENT = 500

/** Creates the builder. Names are composed once, because every request has these. If a value throws, the rest is left out. */
export function createRootAttributes(
  { langfuse }: Otel,
  llmEntry: boolean,
  log: Log,
  describeForInspector?: InspectorAttributes,
): RootAttributes {
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
  const ERROR = `${METADATA}.error`

  return (request, outcome, response) => {
    const attributes: Attributes = {}
    try {
      write(attributes, request, outcome, response)
    } catch (error) {
      log.warnOnce('root failed', `a request's root is incomplete: ${String(error)}`)
    }
    return attributes
  }

  function write(
    attributes: Attributes,
    request: RequestState,
    outcome: Outcome,
    { measured, captured }: ObservedResponse,
  ): void {
    const { start, failure, level } = request
    const { asked, name } = start
    const { update } = request.annotations
    if (llmEntry && start.joined === undefined) attributes['gen_ai.is_entry'] = true
    if (start.joined?.claimed === false) attributes[attribute.IS_APP_ROOT] = true
    attributes[TYPE] = request.annotations.type ?? asked?.config.type ?? 'span'
    attributes[LEVEL] = level
    const input = serialise(update?.input) ?? captured?.input ?? (asked && inputOf(name, asked.url))
    if (input !== undefined) attributes[INPUT] = input
    const output = serialise(update?.output) ?? captured?.output ?? (asked && outputOf(outcome))
    if (output !== undefined) attributes[OUTPUT] = output
    const error = failure && errorText(failure.error, request.shownOfErrors, asked?.request)
    const message = update?.statusMessage ?? statusMessage(outcome, level, error)
    if (message !== undefined) attributes[STATUS_MESSAGE] = message

    if (captured !== undefined) {
      const firstTokenAt = serialise(captured.firstTokenAt)
      if (firstTokenAt !== undefined) attributes[attribute.OBSERVATION_COMPLETION_START_TIME] = firstTokenAt
      writeMetadata(attributes, METADATA, captured.metadata)
    }
    if (asked !== undefined) attributes[REQUEST_ID] = request.requestId
    const userAgent = asked?.request.headers['user-agent']?.slice(0, MAX_USER_AGENT)
    if (userAgent !== undefined) attributes[USER_AGENT] = redactText(userAgent)
    const { metadata } = request
    if (metadata !== undefined) writeMetadata(attributes, METADATA, metadata)
    if (measured?.responseBytes !== undefined) attributes[BYTES] = String(measured.responseBytes)
    if (measured?.timeToFirstByteMs !== undefined) attributes[FIRST_BYTE] = String(measured.timeToFirstByteMs)
    writeAnnotations(attributes, request)
    if (outcome.route !== undefined) attributes[ROUTE] = outcome.route
    if (outcome.statusCode !== undefined) attributes[STATUS] = String(outcome.statusCode)
    attributes[END] = outcome.end
    if (error !== undefined) attributes[ERROR] = error
    if (update?.metadata !== undefined) writeOwn(attributes, update.metadata)
    describeForInspector?.(attributes, request)
  }

  function writeOwn(attributes: Attributes, metadata: Record<string, unknown>): void {
    const dropped = writeMetadata(attributes, METADATA, metadata)
    if (dropped === 0) return
    log.warnOnce(
      'metadata dropped',
      `metadata of a trace has more than 64 keys, the others are left out: set fewer keys, or nest them in one`,
    )
  }

  function writeAnnotations(attributes: Attributes, { start, annotations }: RequestState): void {
    const caller = start.linked?.parent
    if (caller !== undefined) {
      attributes[`${METADATA}.callerTraceId`] = caller.traceId
      attributes[`${METADATA}.callerSpanId`] = caller.spanId
    }
    if (annotations.metadata !== undefined) writeOwn(attributes, annotations.metadata)
  }
}

function inputOf(method: string, url: string): string {
  const query = queryKeysOf(url)
  const keys = query.length === 0 ? '' : `,"query":${JSON.stringify(query)}`
  return `{"method":${JSON.stringify(method)},"path":${JSON.stringify(shownPath(pathOf(url)))}${keys}}`
}

// No known format of a key is shorter.
const SHORTEST_KEY = 16

function shownPath(path: string): string {
  return path.length < SHORTEST_KEY ? path : redactText(path)
}

function outputOf({ statusCode, end }: Outcome): string {
  if (end === 'completed' && statusCode !== undefined) return `{"statusCode":${statusCode}}`
  return JSON.stringify({ statusCode, ...(end !== 'completed' && { end }) })
}

function statusMessage(
  { end, statusCode }: Outcome,
  level: Level,
  error: string | undefined,
): string | undefined {
  if (level !== 'ERROR' && level !== 'WARNING') return undefined
  if (error !== undefined) return error
  if (end !== 'completed') return end.replace('_', ' ')
  return statusCode === undefined ? undefined : `HTTP ${statusCode}`
}
