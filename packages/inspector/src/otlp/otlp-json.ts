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

type Json = Record<string, unknown>

const own = { enumerable: true, writable: true, configurable: true }
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Decodes an export request in OTLP/JSON; a malformed span is left out, a malformed envelope throws. */
export function decodeJson(body: Uint8Array): DecodedRequest {
  const request = object(JSON.parse(utf8.decode(body)), 'the body')
  const decoded: DecodedRequest = { spans: [], rejections: [] }
  for (const resourceSpans of objects(request.resourceSpans, 'resourceSpans')) {
    const resource = attributes(object(resourceSpans.resource ?? {}, 'resource').attributes)
    for (const scopeSpans of objects(resourceSpans.scopeSpans, 'scopeSpans')) {
      const scope = text(object(scopeSpans.scope ?? {}, 'scope').name, 'scope.name')
      for (const span of array(scopeSpans.spans, 'spans')) {
        try {
          decoded.spans.push(decodeSpan(object(span, 'span'), scope, resource))
        } catch (error) {
          decoded.rejections.push((error as Error).message)
        }
      }
    }
  }
  return decoded
}

function decodeSpan(span: Json, scope: string, resource: Attributes): OtlpSpan {
  const traceId = text(span.traceId, 'traceId').toLowerCase()
  const spanId = text(span.spanId, 'spanId').toLowerCase()
  requireIds(traceId, spanId)
  const status = object(span.status ?? {}, 'status')
  return {
    traceId,
    spanId,
    parentSpanId: parentId(text(span.parentSpanId, 'parentSpanId').toLowerCase()),
    name: text(span.name, 'name'),
    startTimeMs: timeMs(span.startTimeUnixNano, 'startTimeUnixNano'),
    endTimeMs: timeMs(span.endTimeUnixNano, 'endTimeUnixNano'),
    attributes: attributes(span.attributes),
    events: objects(span.events, 'events').map(decodeEvent),
    links: objects(span.links, 'links').map(decodeLink),
    status: { code: Number(status.code ?? 0), message: text(status.message, 'status.message') },
    scope,
    resource,
  }
}

function decodeEvent(event: Json): SpanEvent {
  return {
    name: text(event.name, 'event.name'),
    timeMs: timeMs(event.timeUnixNano, 'event.timeUnixNano'),
    attributes: attributes(event.attributes),
  }
}

function decodeLink(link: Json): SpanLink {
  return {
    traceId: text(link.traceId, 'link.traceId'),
    spanId: text(link.spanId, 'link.spanId'),
    attributes: attributes(link.attributes),
  }
}

function attributes(value: unknown, depth = 0): Attributes {
  const decoded: Attributes = {}
  // Runs for every attribute of a file of traces: a list of pairs would cost as much as parsing it.
  for (const item of array(value, 'attributes')) {
    const pair = object(item, 'attributes')
    const key = text(pair.key, 'attribute key')
    const one = decodeValue(object(pair.value ?? {}, 'attribute value'), depth)
    if (key === '__proto__') Object.defineProperty(decoded, key, { ...own, value: one })
    else decoded[key] = one
  }
  return decoded
}

function decodeValue(value: Json, depth: number): AttributeValue {
  if (depth > maxAttributeDepth) throw new TypeError(`attribute is nested deeper than ${maxAttributeDepth}`)
  if (value.stringValue !== undefined) return text(value.stringValue, 'stringValue')
  if (value.boolValue !== undefined) return value.boolValue === true
  if (value.intValue !== undefined) return integerValue(integer(value.intValue, 'intValue'))
  if (value.doubleValue !== undefined) return Number(value.doubleValue)
  if (value.bytesValue !== undefined) return text(value.bytesValue, 'bytesValue')
  if (value.kvlistValue != null) return attributes(object(value.kvlistValue, 'kvlistValue').values, depth + 1)
  if (value.arrayValue != null) {
    return objects(object(value.arrayValue, 'arrayValue').values, 'values').map(item =>
      decodeValue(item, depth + 1),
    )
  }
  return null
}

function timeMs(value: unknown, name: string): number {
  if (typeof value === 'string' && /^\d{4,19}$/.test(value)) return Number(value.slice(0, -3)) / 1000
  const nanoseconds = integer(value ?? 0, name)
  if (nanoseconds < 0n) throw new TypeError(`${name} must not be negative`)
  return nanosecondsToMs(nanoseconds)
}

function integer(value: unknown, name: string): bigint {
  const isInteger = typeof value === 'number' ? Number.isInteger(value) : /^-?\d{1,20}$/.test(String(value))
  if (!isInteger) throw new TypeError(`${name} must be an integer, got ${typeof value}`)
  return BigInt(value as string | number)
}

function text(value: unknown, name: string): string {
  if (value == null) return ''
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, got ${typeof value}`)
  return value
}

function object(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object`)
  }
  return value as Json
}

function array(value: unknown, name: string): unknown[] {
  if (value == null) return []
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array`)
  return value
}

function objects(value: unknown, name: string): Json[] {
  return array(value, name).map(item => object(item, name))
}
