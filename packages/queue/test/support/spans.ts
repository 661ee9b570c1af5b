import { createRecordBuilder, type EncodedRecord, type ScoreEvent } from '@langfuse-middleware/delivery'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

export interface SpanShape {
  /** Number of the span, from which its id is made. */
  number: number
  /** Number of the trace. @default one trace for every four spans */
  trace?: number
  /** Characters of its input. @default 100 */
  size?: number
  failed?: boolean
  durationMs?: number
  service?: string
}

/** Id of a span by its number. */
export function spanId(number: number): string {
  return number.toString(16).padStart(16, '0')
}

/** Id of a trace by its number. */
function traceId(number: number): string {
  return `a${number.toString(16).padStart(31, '0')}`
}

/** A span with an id that is known by its number. */
export function spanOf({
  number,
  trace = number >> 2,
  size = 100,
  failed = false,
  durationMs = 10,
  service = 'chat',
}: SpanShape): ReadableSpan {
  const context = { traceId: traceId(trace), spanId: spanId(number), traceFlags: 1 }
  return {
    name: `span ${number}`,
    kind: 0,
    spanContext: () => context,
    startTime: [1_790_000_000, 0],
    endTime: [1_790_000_000, durationMs * 1_000_000],
    duration: [0, durationMs * 1_000_000],
    ended: true,
    status: { code: failed ? 2 : 0 },
    attributes: { 'langfuse.observation.input': 'x'.repeat(size) },
    links: [],
    events: [],
    resource: { attributes: { 'service.name': service } } as unknown as ReadableSpan['resource'],
    instrumentationScope: { name: 'langfuse-sdk', version: '5.11.1' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** Spans numbered from `from` to `to`, both included. */
export function spansFrom(from: number, to: number, shape: Omit<SpanShape, 'number'> = {}): ReadableSpan[] {
  return Array.from({ length: to - from + 1 }, (_, index) => spanOf({ ...shape, number: from + index }))
}

/** Encodes spans as one request body. */
export function encoded(spans: readonly ReadableSpan[]): EncodedRecord {
  const builder = createRecordBuilder()
  for (const span of spans) builder.add(span)
  return builder.seal()!
}

/** A score whose id is its name. */
export function scoreOf(name: string, trace = 1): ScoreEvent {
  return {
    id: `event-${name}`,
    timestamp: new Date().toISOString(),
    type: 'score-create',
    body: { id: name, traceId: traceId(trace), name: 'helpful', value: 1 },
  }
}
