import {
  type Attributes,
  type AttributeValue,
  type DecodedRequest,
  integerValue,
  maxAttributeDepth,
  nanosecondsToMs,
  type OtlpSpan,
  parentId,
  requireIds,
  type SpanEvent,
  type SpanLink,
} from './otlp-span.ts'
import { type Field, type FieldValues, readFields } from './protobuf-reader.ts'

// Field numbers: https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto

/** Decodes an `ExportTraceServiceRequest`; a malformed span is left out, a malformed envelope throws. */
export function decodeProtobuf(body: Uint8Array): DecodedRequest {
  const decoded: DecodedRequest = { spans: [], rejections: [] }
  for (const field of readFields(body)) {
    if (field.number === 1) decodeResourceSpans(bytes(field), decoded)
  }
  return decoded
}

function decodeResourceSpans(message: Uint8Array, decoded: DecodedRequest): void {
  let resource: Attributes = {}
  const scopes: Uint8Array[] = []
  for (const field of readFields(message)) {
    if (field.number === 1) resource = decodeAttributes(bytes(field), 1)
    else if (field.number === 2) scopes.push(bytes(field))
  }
  for (const scope of scopes) decodeScopeSpans(scope, resource, decoded)
}

function decodeScopeSpans(message: Uint8Array, resource: Attributes, decoded: DecodedRequest): void {
  let scope = ''
  const spans: Uint8Array[] = []
  for (const field of readFields(message)) {
    if (field.number === 1) scope = decodeName(bytes(field))
    else if (field.number === 2) spans.push(bytes(field))
  }
  for (const span of spans) {
    try {
      decoded.spans.push(decodeSpan(span, scope, resource))
    } catch (error) {
      decoded.rejections.push((error as Error).message)
    }
  }
}

function decodeSpan(message: Uint8Array, scope: string, resource: Attributes): OtlpSpan {
  const span: OtlpSpan = {
    traceId: '',
    spanId: '',
    parentSpanId: undefined,
    name: '',
    startTimeMs: 0,
    endTimeMs: 0,
    attributes: {},
    events: [],
    links: [],
    status: { code: 0, message: '' },
    scope,
    resource,
  }
  const attributes: [string, AttributeValue][] = []
  for (const field of readFields(message)) {
    if (field.number === 1) span.traceId = hex(field)
    else if (field.number === 2) span.spanId = hex(field)
    else if (field.number === 4) span.parentSpanId = parentId(hex(field))
    else if (field.number === 5) span.name = text(field)
    else if (field.number === 7) span.startTimeMs = timeMs(field)
    else if (field.number === 8) span.endTimeMs = timeMs(field)
    else if (field.number === 9) attributes.push(decodeKeyValue(bytes(field), 0))
    else if (field.number === 11) span.events.push(decodeEvent(bytes(field)))
    else if (field.number === 13) span.links.push(decodeLink(bytes(field)))
    else if (field.number === 15) span.status = decodeStatus(bytes(field))
  }
  requireIds(span.traceId, span.spanId)
  span.attributes = Object.fromEntries(attributes)
  return span
}

function decodeEvent(message: Uint8Array): SpanEvent {
  const event: SpanEvent = { name: '', timeMs: 0, attributes: decodeAttributes(message, 3) }
  for (const field of readFields(message)) {
    if (field.number === 1) event.timeMs = timeMs(field)
    else if (field.number === 2) event.name = text(field)
  }
  return event
}

function decodeLink(message: Uint8Array): SpanLink {
  const link: SpanLink = { traceId: '', spanId: '', attributes: decodeAttributes(message, 4) }
  for (const field of readFields(message)) {
    if (field.number === 1) link.traceId = hex(field)
    else if (field.number === 2) link.spanId = hex(field)
  }
  return link
}

function decodeStatus(message: Uint8Array): OtlpSpan['status'] {
  const status = { code: 0, message: '' }
  for (const field of readFields(message)) {
    if (field.number === 2) status.message = text(field)
    else if (field.number === 3) status.code = Number(varint(field))
  }
  return status
}

function decodeName(message: Uint8Array): string {
  let name = ''
  for (const field of readFields(message)) if (field.number === 1) name = text(field)
  return name
}

function decodeAttributes(message: Uint8Array, number: number, depth = 0): Attributes {
  const pairs: [string, AttributeValue][] = []
  for (const field of readFields(message)) {
    if (field.number === number) pairs.push(decodeKeyValue(bytes(field), depth))
  }
  // Object.fromEntries defines own properties, so that a key such as __proto__ stays a key.
  return Object.fromEntries(pairs)
}

function decodeKeyValue(message: Uint8Array, depth: number): [string, AttributeValue] {
  let key = ''
  let value: AttributeValue = null
  for (const field of readFields(message)) {
    if (field.number === 1) key = text(field)
    else if (field.number === 2) value = decodeValue(bytes(field), depth)
  }
  return [key, value]
}

function decodeValue(message: Uint8Array, depth: number): AttributeValue {
  if (depth > maxAttributeDepth) throw new TypeError(`attribute is nested deeper than ${maxAttributeDepth}`)
  let value: AttributeValue = null
  for (const field of readFields(message)) {
    if (field.number === 1) value = text(field)
    else if (field.number === 2) value = varint(field) !== 0n
    else if (field.number === 3) value = integerValue(BigInt.asIntN(64, varint(field)))
    else if (field.number === 4) value = fixed64(field).getFloat64(0, true)
    else if (field.number === 5) value = decodeArray(bytes(field), depth + 1)
    else if (field.number === 6) value = decodeAttributes(bytes(field), 1, depth + 1)
    else if (field.number === 7) value = Buffer.from(bytes(field)).toString('base64')
  }
  return value
}

function decodeArray(message: Uint8Array, depth: number): AttributeValue[] {
  const values: AttributeValue[] = []
  for (const field of readFields(message)) {
    if (field.number === 1) values.push(decodeValue(bytes(field), depth))
  }
  return values
}

function bytes(field: Field): Uint8Array {
  return expect(field, 'bytes')
}

function varint(field: Field): bigint {
  return expect(field, 'varint')
}

function fixed64(field: Field): DataView {
  return expect(field, 'fixed64')
}

function text(field: Field): string {
  const value = bytes(field)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
}

function hex(field: Field): string {
  const value = bytes(field)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
}

function timeMs(field: Field): number {
  return nanosecondsToMs(fixed64(field).getBigUint64(0, true))
}

function expect<Kind extends keyof FieldValues>(field: Field, kind: Kind): FieldValues[Kind] {
  if (field.kind !== kind) throw new TypeError(`field ${field.number} must be ${kind}, got ${field.kind}`)
  return field.value as FieldValues[Kind]
}
