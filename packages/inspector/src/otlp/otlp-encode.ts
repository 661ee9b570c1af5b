import type { Attributes, AttributeValue, OtlpSpan, SpanEvent, SpanLink } from './otlp-span.ts'

/** Spans as an `ExportTraceServiceRequest` in OTLP/JSON; times keep their microseconds. */
export function encodeJson(spans: OtlpSpan[]): string {
  const byResource = new Map<string, { resource: Attributes; byScope: Map<string, OtlpSpan[]> }>()
  const keys = new Map<Attributes, string>()
  for (const span of spans) {
    const key = keys.get(span.resource) ?? JSON.stringify(span.resource)
    keys.set(span.resource, key)
    const group = byResource.get(key) ?? { resource: span.resource, byScope: new Map() }
    byResource.set(key, group)
    const scope = group.byScope.get(span.scope)
    if (scope) scope.push(span)
    else group.byScope.set(span.scope, [span])
  }
  return JSON.stringify({
    resourceSpans: [...byResource.values()].map(({ resource, byScope }) => ({
      resource: { attributes: encodeAttributes(resource) },
      scopeSpans: [...byScope].map(([name, of]) => ({ scope: { name }, spans: of.map(encodeSpan) })),
    })),
  })
}

function encodeSpan(span: OtlpSpan): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    name: span.name,
    startTimeUnixNano: nanoseconds(span.startTimeMs),
    endTimeUnixNano: nanoseconds(span.endTimeMs),
    attributes: encodeAttributes(span.attributes),
    ...(span.events.length > 0 && { events: span.events.map(encodeEvent) }),
    ...(span.links.length > 0 && { links: span.links.map(encodeLink) }),
    status: { code: span.status.code, ...(span.status.message !== '' && { message: span.status.message }) },
  }
}

function encodeEvent({ name, timeMs, attributes }: SpanEvent): object {
  return { name, timeUnixNano: nanoseconds(timeMs), attributes: encodeAttributes(attributes) }
}

function encodeLink({ traceId, spanId, attributes }: SpanLink): object {
  return { traceId, spanId, attributes: encodeAttributes(attributes) }
}

function encodeAttributes(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: encodeValue(value) }))
}

function encodeValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return encodeNumber(value)
  if (value === null) return {}
  if (Array.isArray(value)) return { arrayValue: { values: value.map(encodeValue) } }
  return { kvlistValue: { values: encodeAttributes(value) } }
}

function encodeNumber(value: number): object {
  if (Number.isSafeInteger(value)) return { intValue: String(value) }
  // JSON has no NaN and no infinity: the specification writes them as strings.
  return { doubleValue: Number.isFinite(value) ? value : String(value) }
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`
}
