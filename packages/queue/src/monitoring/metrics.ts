import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attributes, BatchObservableResult, Observable } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { Monitored, WorkerStats } from './stats.ts'

/** The metrics of a worker as Prometheus reads them. */
export interface Metrics {
  answer(request: IncomingMessage, response: ServerResponse): void
  close(): Promise<void>
}

interface Instrument {
  name: string
  description: string
  kind: 'counter' | 'gauge'
  observe(stats: WorkerStats): (readonly [value: number, attributes?: Attributes])[]
}

const INSTRUMENTS: readonly Instrument[] = [
  {
    name: 'langfuse_worker_received_messages',
    description: 'Messages received',
    kind: 'counter',
    observe: ({ receivedMessages }) => [[receivedMessages]],
  },
  {
    name: 'langfuse_worker_acknowledged_messages',
    description: 'Messages delivered, or kept as dead letters',
    kind: 'counter',
    observe: ({ acknowledgedMessages }) => [[acknowledgedMessages]],
  },
  {
    name: 'langfuse_worker_delivered_items',
    description: 'Spans and scores that Langfuse acknowledged',
    kind: 'counter',
    observe: stats => perRelay(stats, ({ delivered }) => delivered),
  },
  {
    name: 'langfuse_worker_waiting_items',
    description: 'Spans and scores in memory',
    kind: 'gauge',
    observe: stats => perRelay(stats, ({ waiting }) => waiting),
  },
  {
    name: 'langfuse_worker_requests',
    description: 'Requests to Langfuse',
    kind: 'counter',
    observe: stats => perRelay(stats, ({ requests }) => requests),
  },
  {
    name: 'langfuse_worker_retried_requests',
    description: 'Requests to Langfuse whose contents had to be sent again',
    kind: 'counter',
    observe: stats => perRelay(stats, ({ retries }) => retries),
  },
  {
    name: 'langfuse_worker_breaker_open',
    description: '1 while Langfuse cannot be reached or refuses the keys',
    kind: 'gauge',
    observe: stats => perRelay(stats, ({ breaker }) => (breaker === 'closed' ? 0 : 1)),
  },
  {
    name: 'langfuse_worker_dead_letters',
    description: 'Spans and scores kept as dead letters, by cause',
    kind: 'counter',
    observe: ({ deadLetters }) => Object.entries(deadLetters).map(([cause, count]) => [count, { cause }]),
  },
  {
    name: 'langfuse_worker_sampled_out_spans',
    description: 'Spans of traces that tail sampling dropped',
    kind: 'counter',
    observe: ({ sampledOutSpans }) => [[sampledOutSpans]],
  },
  {
    name: 'langfuse_worker_memory_bytes',
    description: 'Bytes of messages in memory',
    kind: 'gauge',
    observe: ({ memoryBytes }) => [[memoryBytes]],
  },
  {
    name: 'langfuse_worker_lag_messages',
    description: 'Messages that wait to be acknowledged, in the queue or in memory',
    kind: 'gauge',
    observe: ({ lag }) => (lag === undefined ? [] : [[lag]]),
  },
  {
    name: 'langfuse_worker_delivered_items_per_second',
    description: 'Spans and scores delivered per second, of late',
    kind: 'gauge',
    observe: ({ deliveredPerSecond }) => [[deliveredPerSecond]],
  },
]

/** Creates the metrics, in a meter provider of their own. */
export function createMetrics(worker: Monitored): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({ readers: [exporter] })
  const meter = provider.getMeter('langfuse-middleware')
  const observables: Observable[] = INSTRUMENTS.map(({ name, description, kind }) =>
    kind === 'counter'
      ? meter.createObservableCounter(name, { description })
      : meter.createObservableGauge(name, { description }),
  )
  meter.addBatchObservableCallback(observe, observables)
  return {
    answer: (request, response) => exporter.getMetricsRequestHandler(request, response),
    close: () => provider.shutdown(),
  }

  function observe(result: BatchObservableResult): void {
    const stats = worker.stats()
    for (const [index, instrument] of INSTRUMENTS.entries()) {
      for (const [value, attributes] of instrument.observe(stats))
        result.observe(observables[index]!, value, attributes)
    }
  }
}

type RelayFigures = WorkerStats['projects'][string]['spans']

function perRelay(
  { projects }: WorkerStats,
  figure: (relay: RelayFigures) => number,
): (readonly [number, Attributes])[] {
  return Object.entries(projects).flatMap(([project, relays]) =>
    Object.entries(relays).map(([kind, relay]) => [figure(relay), { project, kind }] as const),
  )
}
