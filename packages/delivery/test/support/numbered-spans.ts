import type { Attributes } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

const resource = resourceFromAttributes({ 'service.name': 'test' })
const instrumentationScope = { name: 'langfuse-sdk', version: '5.11.1' }

/** A span with a number by which it is known again. */
export function numberedSpan(number: number, attributes: Attributes = {}): ReadableSpan {
  const context = {
    traceId: `a${number.toString(16).padStart(31, '0')}`,
    spanId: `b${number.toString(16).padStart(15, '0')}`,
    traceFlags: 1,
  }
  return {
    name: `span ${number}`,
    kind: 0,
    spanContext: () => context,
    startTime: [1_790_000_000, 0],
    endTime: [1_790_000_001, 0],
    duration: [1, 0],
    ended: true,
    status: { code: 0 },
    attributes: { number, ...attributes },
    links: [],
    events: [],
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** Spans numbered `from` to `to`, both included. */
export function numberedSpans(from: number, to: number, attributes?: Attributes): ReadableSpan[] {
  return range(from, to).map(number => numberedSpan(number, attributes))
}

/** The numbers `from` to `to`, both included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
