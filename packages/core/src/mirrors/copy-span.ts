import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** What differs between a span and its copy. */
export type SpanChanges = Partial<Pick<ReadableSpan, 'name' | 'kind' | 'attributes' | 'status' | 'events'>>

/** Copies a span with changes; the span itself, which other destinations get, stays as it is. */
export function copySpan(span: ReadableSpan, changes: SpanChanges): ReadableSpan {
  const { parentSpanContext } = span
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(parentSpanContext !== undefined && { parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: span.status,
    attributes: span.attributes,
    links: span.links,
    events: span.events,
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
    ...changes,
  }
}
