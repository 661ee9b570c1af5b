import type { Attributes, AttributeValue, OtlpSpan } from './otlp-span.ts'

/** What one span may hold. */
export interface SpanBounds {
  maxAttributes: number
  maxValueLength: number
}

const maxNameLength = 2_000
const maxMessageLength = 20_000
const maxListed = 128

/** Cuts what is past the bounds: a span that says too much is shown in part rather than refused. */
export function boundSpan(span: OtlpSpan, bounds: SpanBounds): OtlpSpan {
  const bounded = (attributes: Attributes): Attributes => boundAttributes(attributes, bounds)
  return {
    ...span,
    name: cut(span.name, maxNameLength),
    scope: cut(span.scope, maxNameLength),
    status: { code: span.status.code, message: cut(span.status.message, maxMessageLength) },
    attributes: bounded(span.attributes),
    events: span.events.slice(0, maxListed).map(event => ({
      ...event,
      name: cut(event.name, maxNameLength),
      attributes: bounded(event.attributes),
    })),
    links: span.links
      .filter(({ traceId, spanId }) => traceId.length + spanId.length <= 100)
      .slice(0, maxListed)
      .map(link => ({ ...link, attributes: bounded(link.attributes) })),
  }
}

function boundAttributes(attributes: Attributes, { maxAttributes, maxValueLength }: SpanBounds): Attributes {
  const entries = Object.entries(attributes)
  const fits = ([key, value]: [string, AttributeValue]): boolean =>
    key.length <= maxNameLength && (typeof value !== 'string' || value.length <= maxValueLength)
  // Nearly always so, and then nothing is copied.
  if (entries.length <= maxAttributes && entries.every(fits)) return attributes
  return Object.fromEntries(
    entries
      .slice(0, maxAttributes)
      .map(([key, value]) => [
        cut(key, maxNameLength),
        typeof value === 'string' ? cut(value, maxValueLength) : value,
      ]),
  )
}

function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  return `${text.slice(0, maxLength)}… (${(text.length - maxLength).toLocaleString('en-US')} more characters not kept)`
}
