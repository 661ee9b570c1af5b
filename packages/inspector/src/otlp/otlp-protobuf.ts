import { bytes, decodeAttributes, decodeKeyValue, hex, text, timeMs, varint } from './otlp-protobuf-field.ts'
import {
  type Attributes,
  type AttributeValue,
  type DecodedRequest,
  type OtlpSpan,
  parentId,
  requireIds,
  type SpanEvent,
  type SpanLink,
} from './otlp-span.ts'
import { readFields } from './protobuf-reader.ts'

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
