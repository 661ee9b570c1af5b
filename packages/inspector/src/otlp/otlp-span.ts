/** An attribute as it arrived: 64-bit integers beyond the safe range are strings, bytes are base64. */
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | AttributeValue[]
  | { [key: string]: AttributeValue }

/** Attributes of a span, an event, a link or a resource. */
export type Attributes = Record<string, AttributeValue>

/** A moment recorded on a span. */
export interface SpanEvent {
  name: string
  timeMs: number
  attributes: Attributes
}

/** A reference from a span to another one. */
export interface SpanLink {
  traceId: string
  spanId: string
  attributes: Attributes
}

/** A span as OTLP carries it, whichever encoding it came in; times are milliseconds since the epoch. */
export interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  startTimeMs: number
  endTimeMs: number
  attributes: Attributes
  events: SpanEvent[]
  links: SpanLink[]
  status: { code: number; message: string }
  scope: string
  resource: Attributes
}

/** Whether a span has begun and not ended: an exporter sends none that has no end. */
export function isRunning({ endTimeMs }: Pick<OtlpSpan, 'endTimeMs'>): boolean {
  return endTimeMs === 0
}

/** The spans of one export request, and what had to be left out of it. */
export interface DecodedRequest {
  spans: OtlpSpan[]
  rejections: string[]
}

const isTraceId = /^(?!0+$)[0-9a-f]{32}$/
const isSpanId = /^(?!0+$)[0-9a-f]{16}$/

/** Nesting of attribute values past which a span counts as malformed. */
export const maxAttributeDepth = 32

/** Milliseconds with microsecond precision, from nanoseconds. */
export function nanosecondsToMs(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1000
}

/** A 64-bit integer as a number where that loses nothing, else as a string. */
export function integerValue(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** Throws unless the ids are what the OTLP specification asks for: hex of 16 and 8 bytes, not all zero. */
export function requireIds(traceId: string, spanId: string): void {
  if (!isTraceId.test(traceId))
    throw new TypeError(`trace id must be 16 bytes, not all zero, got ${shorten(traceId)}`)
  if (!isSpanId.test(spanId))
    throw new TypeError(`span id must be 8 bytes, not all zero, got ${shorten(spanId)}`)
}

/** The id of a parent, or `undefined` where the encoding says that there is none. */
export function parentId(id: string): string | undefined {
  if (id === '' || /^0{16}$/.test(id)) return undefined
  if (!isSpanId.test(id)) throw new TypeError(`parent span id must be 8 bytes, got ${shorten(id)}`)
  return id
}

function shorten(id: string): string {
  return id.length > 40 ? `${JSON.stringify(id.slice(0, 40))}…` : JSON.stringify(id)
}
