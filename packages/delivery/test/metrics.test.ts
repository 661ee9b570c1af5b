import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { createFanOut, observeOutboxes } from '../src/index.ts'
import { numberedSpan, numberedSpans } from './support/numbered-spans.ts'
import { createTestOutbox } from './support/test-outbox.ts'

it('shows what stats() shows as metrics, by destination', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
  const provider = new MeterProvider({ readers: [reader] })
  const langfuse = createTestOutbox({ maxBytes: 64 * 1024 })
  const mirror = createTestOutbox({ name: 'mirror', breaker: { failures: 1 } })
  mirror.sender.answer = () => ({ outcome: 'unreachable' })
  const stop = observeOutboxes(provider.getMeter('test'), [langfuse, mirror])
  createFanOut([langfuse, mirror]).export(
    [...numberedSpans(1, 3), { ...numberedSpan(4), status: undefined as never }],
    () => undefined,
  )
  await langfuse.clock.advance(1000)
  await mirror.clock.advance(1000)

  await reader.forceFlush()
  const shown = points(exporter)
  expect(shown).toMatchObject({
    'spans Langfuse accepted': 4,
    'spans Langfuse delivered': 3,
    'dropped_spans Langfuse unencodable': 1,
    'queued_spans Langfuse memory': 0,
    'queued_spans mirror memory': 3,
    'queued_spans mirror disk': 0,
    'requests mirror retried': 1,
    'breaker Langfuse closed': 1,
    'breaker mirror open': 1,
    'breaker mirror closed': 0,
  })
  expect(shown['queued_bytes mirror memory']).toBeGreaterThan(500)

  stop()
  exporter.reset()
  langfuse.take(...numberedSpans(5, 9))
  await reader.forceFlush()
  expect(points(exporter)['spans Langfuse accepted']).toBe(4)
  await provider.shutdown()
})

function points(exporter: InMemoryMetricExporter): Record<string, unknown> {
  const metrics = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(scope => scope.metrics))
  return Object.fromEntries(
    metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes: { destination, ...rest }, value }) => [
        `${descriptor.name.replace('langfuse.delivery.', '')} ${destination} ${Object.values(rest)[0]}`,
        value,
      ]),
    ),
  )
}
