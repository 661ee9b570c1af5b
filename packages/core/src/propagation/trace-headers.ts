import { types } from 'node:util'
import type { SpanContext } from '@opentelemetry/api'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'

/** The headers that carry a trace from one service to the next. */
export const TRACE_HEADERS = {
  traceParent: 'traceparent',
  traceState: 'tracestate',
  baggage: 'baggage',
  traceId: 'x-langfuse-trace-id',
  parentId: 'x-langfuse-parent-id',
  sessionId: 'x-langfuse-session-id',
  requestId: 'x-request-id',
} as const

/** What a service passes on: the observation to hang from, and whose request it is. */
export interface OutgoingTrace {
  readonly parent: SpanContext
  readonly requestId: string | undefined
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  /** The name of the trace, as far as it is known. */
  readonly traceName?: string | undefined
}

/** What came in from a caller. */
export interface IncomingTrace {
  readonly parent: SpanContext
  /** Whether the caller says that the trace is in Langfuse. */
  readonly claimed: boolean
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  /** The name that the caller gives the trace. */
  readonly traceName: string | undefined
}

/** Anything headers can be read from: Node's and Fetch's headers, and a message's, whose values may be bytes. */
export type ReadableCarrier = ReadableMap | Readonly<Record<string, unknown>>

/** Anything headers can be written to. */
export type WritableCarrier = WritableMap | Record<string, unknown>

/** `Headers`, of Node or of undici, and `Map`. */
interface ReadableMap {
  get(name: string): unknown
}

interface WritableMap extends ReadableMap {
  set(name: string, value: string): unknown
}

const MAX_HEADER_BYTES = 8_192
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/
const SAMPLED = 1
// The trace id is random (https://www.w3.org/TR/trace-context-2/#random-trace-id-flag).
const RANDOM = 2
const CLAIM = 'langfuse_trace_id'
const USER = 'langfuse_user_id'
const SESSION = 'langfuse_session_id'
const NAME = 'langfuse_trace_name'
const PRINTABLE = /^[^\p{C}]{1,200}$/u

/** The headers for a trace: W3C trace context and baggage, and this product's own, which no proxy and no other tracer rewrites. */
export function traceHeaders({
  parent,
  requestId,
  userId,
  sessionId,
  traceName,
}: OutgoingTrace): Record<string, string> {
  const members = [
    `${CLAIM}=${parent.traceId}`,
    ...(userId === undefined ? [] : [`${USER}=${encodeURIComponent(userId)}`]),
    ...(sessionId === undefined ? [] : [`${SESSION}=${encodeURIComponent(sessionId)}`]),
    ...(traceName === undefined ? [] : [`${NAME}=${encodeURIComponent(traceName)}`]),
  ]
  const state = parent.traceState?.serialize()
  return {
    [TRACE_HEADERS.traceParent]: `00-${parent.traceId}-${parent.spanId}-0${parent.traceFlags & (SAMPLED | RANDOM)}`,
    ...(state && { [TRACE_HEADERS.traceState]: state }),
    [TRACE_HEADERS.baggage]: members.join(','),
    [TRACE_HEADERS.traceId]: parent.traceId,
    [TRACE_HEADERS.parentId]: parent.spanId,
    ...(sessionId !== undefined && { [TRACE_HEADERS.sessionId]: encodeURIComponent(sessionId) }),
    ...(requestId !== undefined && { [TRACE_HEADERS.requestId]: requestId }),
  }
}

/** Reads what a caller sent; undefined where there is nothing, or nothing valid. What is malformed is counted. */
export function readTrace(carrier: ReadableCarrier, otel: Otel, log: Log): IncomingTrace | undefined {
  if (typeof carrier !== 'object' || carrier === null) return undefined
  if (!isReadableMap(carrier) && !carriesTrace(carrier)) return undefined
  const read = reader(carrier, log)
  const traceId = read(TRACE_HEADERS.traceId)
  if (traceId === undefined && read(TRACE_HEADERS.traceParent) === undefined) return undefined
  const baggage = claims(read(TRACE_HEADERS.baggage))
  const w3c = w3cParent(read, otel, log)
  const parent = langfuseParent(traceId, read(TRACE_HEADERS.parentId), w3c) ?? w3c
  if (parent === undefined) return undefined
  return {
    parent,
    claimed: baggage.get(CLAIM) === parent.traceId || traceId === parent.traceId,
    userId: baggage.get(USER),
    sessionId: baggage.get(SESSION) ?? decoded(read(TRACE_HEADERS.sessionId)),
    traceName: printable(baggage.get(NAME)),
  }
}

/** Whether headers name a trace: most requests carry none, and are asked no more than this. */
export function carriesTrace(carrier: Readonly<Record<string, unknown>>): boolean {
  return carrier[TRACE_HEADERS.traceParent] !== undefined || carrier[TRACE_HEADERS.traceId] !== undefined
}

function w3cParent(read: Read, otel: Otel, log: Log): SpanContext | undefined {
  const traceParent = read(TRACE_HEADERS.traceParent)
  if (traceParent === undefined) return undefined
  const carrier = { traceparent: traceParent, tracestate: read(TRACE_HEADERS.traceState) }
  const context = new otel.core.W3CTraceContextPropagator().extract(otel.api.ROOT_CONTEXT, carrier, {
    get: (headers: Record<string, string | undefined>, name) => headers[name],
    keys: headers => Object.keys(headers),
  })
  const parent = otel.api.trace.getSpanContext(context)
  if (parent !== undefined && otel.api.isSpanContextValid(parent)) return parent
  log.warnOnce(
    'traceparent malformed',
    'a malformed traceparent header is ignored; further ones are counted in stats()',
  )
  return undefined
}

/** The observation itself, where `traceparent` may name what a proxy or another tracer put in between. */
function langfuseParent(
  traceId: string | undefined,
  spanId: string | undefined,
  w3c: SpanContext | undefined,
): SpanContext | undefined {
  if (traceId === undefined || spanId === undefined) return undefined
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined
  return { traceFlags: SAMPLED, isRemote: true, ...(w3c?.traceId === traceId && w3c), traceId, spanId }
}

/** The members of a baggage header that are Langfuse's; properties after `;` are not. */
function claims(baggage: string | undefined): Map<string, string> {
  const found = new Map<string, string>()
  for (const member of baggage?.split(',', 180) ?? []) {
    const [name, value] = (member.split(';', 1)[0] as string).split('=').map(part => part.trim())
    if (name === undefined || value === undefined || !name.startsWith('langfuse_')) continue
    const text = decoded(value)
    if (text !== undefined) found.set(name, text)
  }
  return found
}

/** Undefined where it is not percent-encoded as it must be, and so not from one of us. */
function decoded(value: string | undefined): string | undefined {
  try {
    return value === undefined ? undefined : decodeURIComponent(value)
  } catch {
    return undefined
  }
}

function isReadableMap(carrier: ReadableCarrier): carrier is ReadableMap {
  return typeof carrier.get === 'function'
}

/** Sets the headers of a trace on a carrier; baggage that it has stays. */
export function writeTrace(carrier: WritableCarrier, trace: OutgoingTrace): void {
  const map =
    isReadableMap(carrier) && typeof carrier.set === 'function' ? (carrier as WritableMap) : undefined
  const plain = carrier as Record<string, unknown>
  const names = map === undefined ? Object.keys(plain) : []
  for (const [name, value] of Object.entries(traceHeaders(trace))) {
    const written = names.find(one => one.toLowerCase() === name) ?? name
    const own = name === TRACE_HEADERS.baggage ? ownBaggage(map ? map.get(name) : plain[written]) : ''
    if (map !== undefined) map.set(name, own + value)
    else plain[written] = own + value
  }
}

/** Baggage of the app, without members of ours that an earlier call has set. */
function ownBaggage(value: unknown): string {
  return baggageWithout(value, member => member.startsWith('langfuse_'))
}

/** The members of a baggage header that `excludes` leaves, each followed by a comma. */
function baggageWithout(value: unknown, excludes: (member: string) => boolean): string {
  return baggageMembers(value)
    .filter(member => !excludes(member))
    .map(member => `${member},`)
    .join('')
}

function baggageMembers(value: unknown): string[] {
  const text = Array.isArray(value) ? value.join(',') : typeof value === 'string' ? value : ''
  return text
    .split(',')
    .map(member => member.trim())
    .filter(member => member !== '')
}

/** Headers that came in with the current request; a gateway may forward them. */
export type ReceivedHeaders = Readonly<Record<string, unknown>>

/**
 * The value that an outgoing request gets for a header of ours, next to the value that it has; undefined leaves the latter. A header that the
 * app or another tracer set stays; a header that was only forwarded from the incoming request is replaced.
 */
export function outgoingHeader(
  name: string,
  value: string,
  existing: unknown,
  received: ReceivedHeaders | undefined,
): string | undefined {
  if (existing === undefined) return value
  if (name !== TRACE_HEADERS.baggage) return isForwarded(name, existing, received) ? value : undefined
  const forwarded = new Set(baggageMembers(received?.[name]))
  return baggageWithout(existing, member => member.startsWith('langfuse_') && forwarded.has(member)) + value
}

/** Whether a header of an outgoing request has the value that the incoming request had. */
export function isForwarded(name: string, existing: unknown, received: ReceivedHeaders | undefined): boolean {
  return (
    existing !== undefined && received?.[name] !== undefined && String(existing) === String(received[name])
  )
}

function printable(text: string | undefined): string | undefined {
  return text !== undefined && PRINTABLE.test(text) ? text : undefined
}

type Read = (name: string) => string | undefined

function reader(carrier: ReadableCarrier, log: Log): Read {
  return name => {
    const value = isReadableMap(carrier) ? carrier.get(name) : carrier[name]
    const text = Array.isArray(value) ? value.join(',') : value
    const string = types.isUint8Array(text) ? Buffer.from(text).toString('utf8') : text
    if (typeof string !== 'string' || string === '') return undefined
    if (string.length <= MAX_HEADER_BYTES) return string
    log.warnOnce(
      'trace header oversized',
      `a ${name} header of more than ${MAX_HEADER_BYTES} bytes is ignored`,
    )
    return undefined
  }
}
