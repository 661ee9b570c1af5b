import type { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import {
  bytes,
  decodeKeyValue,
  hex,
  readMessage,
  readNested,
  text,
  timeMs,
  uint32,
} from './otlp-protobuf-field.ts'
import {
  type Attributes,
  type DecodedRequest,
  type OtlpSpan,
  parentId,
  requireIds,
  type SpanEvent,
  type SpanLink,
} from './otlp-span.ts'

// Field numbers: https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto

/** Decodes an `ExportTraceServiceRequest`; a malformed span is left out, a malformed envelope throws. */
export function decodeProtobuf(body: Uint8Array): DecodedRequest {
  const decoded: DecodedRequest = { spans: [], rejections: [] }
  readMessage(body, (field, wireType, reader) => {
    if (field === 1) decodeResourceSpans(bytes(reader, wireType), decoded)
  })
  return decoded
}

function decodeResourceSpans(message: Uint8Array, decoded: DecodedRequest): void {
  const resource: Attributes = {}
  const scopes: Uint8Array[] = []
  readMessage(message, (field, wireType, reader) => {
    if (field === 1) decodeResource(reader, wireType, resource)
    else if (field === 2) scopes.push(bytes(reader, wireType))
  })
  for (const scope of scopes) decodeScopeSpans(scope, resource, decoded)
}

function decodeResource(parent: BinaryReader, parentType: WireType, resource: Attributes): void {
  readNested(parent, parentType, (field, wireType, reader) => {
    if (field === 1) decodeKeyValue(reader, wireType, resource)
  })
}

function decodeScopeSpans(message: Uint8Array, resource: Attributes, decoded: DecodedRequest): void {
  let scope = ''
  const spans: Uint8Array[] = []
  readMessage(message, (field, wireType, reader) => {
    if (field === 1) scope = decodeScopeName(reader, wireType)
    else if (field === 2) spans.push(bytes(reader, wireType))
  })
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
  readMessage(message, (field, wireType, reader) => {
    if (field === 1) span.traceId = hex(reader, wireType)
    else if (field === 2) span.spanId = hex(reader, wireType)
    else if (field === 4) span.parentSpanId = parentId(hex(reader, wireType))
    else if (field === 5) span.name = text(reader, wireType)
    else if (field === 7) span.startTimeMs = timeMs(reader, wireType)
    else if (field === 8) span.endTimeMs = timeMs(reader, wireType)
    else if (field === 9) decodeKeyValue(reader, wireType, span.attributes)
    else if (field === 11) span.events.push(decodeEvent(reader, wireType))
    else if (field === 13) span.links.push(decodeLink(reader, wireType))
    else if (field === 15) span.status = decodeStatus(reader, wireType)
  })
  requireIds(span.traceId, span.spanId)
  return span
}

function decodeEvent(parent: BinaryReader, parentType: WireType): SpanEvent {
  const event: SpanEvent = { name: '', timeMs: 0, attributes: {} }
  readNested(parent, parentType, (field, wireType, reader) => {
    if (field === 1) event.timeMs = timeMs(reader, wireType)
    else if (field === 2) event.name = text(reader, wireType)
    else if (field === 3) decodeKeyValue(reader, wireType, event.attributes)
  })
  return event
}

function decodeLink(parent: BinaryReader, parentType: WireType): SpanLink {
  const link: SpanLink = { traceId: '', spanId: '', attributes: {} }
  readNested(parent, parentType, (field, wireType, reader) => {
    if (field === 1) link.traceId = hex(reader, wireType)
    else if (field === 2) link.spanId = hex(reader, wireType)
    else if (field === 4) decodeKeyValue(reader, wireType, link.attributes)
  })
  return link
}

function decodeStatus(parent: BinaryReader, parentType: WireType): OtlpSpan['status'] {
  const status = { code: 0, message: '' }
  readNested(parent, parentType, (field, wireType, reader) => {
    if (field === 2) status.message = text(reader, wireType)
    else if (field === 3) status.code = uint32(reader, wireType)
  })
  return status
}

function decodeScopeName(parent: BinaryReader, parentType: WireType): string {
  let name = ''
  readNested(parent, parentType, (field, wireType, reader) => {
    if (field === 1) name = text(reader, wireType)
  })
  return name
}
