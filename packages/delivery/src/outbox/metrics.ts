import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api'
import type { OutboxStats } from './item-outbox.ts'
import type { Outbox } from './outbox.ts'

interface Instrument {
  name: string
  description: string
  unit: string
  kind: 'counter' | 'gauge'
  observe(stats: OutboxStats): readonly [value: number, attributes?: Attributes][]
}

const BREAKER_STATES = ['closed', 'open', 'half_open'] as const

const INSTRUMENTS: readonly Instrument[] = [
  {
    name: 'langfuse.delivery.spans',
    description: 'Spans by what became of them',
    unit: '{span}',
    kind: 'counter',
    observe: ({ accepted, adopted, delivered, dropped }) => [
      [accepted, { state: 'accepted' }],
      [adopted, { state: 'adopted' }],
      [delivered, { state: 'delivered' }],
      [dropped.total, { state: 'dropped' }],
    ],
  },
  {
    name: 'langfuse.delivery.dropped_spans',
    description: 'Spans given up, by cause',
    unit: '{span}',
    kind: 'counter',
    observe: ({ dropped: { total: _total, ...causes } }) =>
      Object.entries(causes).map(([cause, spans]) => [spans, { cause }]),
  },
  {
    name: 'langfuse.delivery.queued_spans',
    description: 'Spans still to be delivered, by where they are',
    unit: '{span}',
    kind: 'gauge',
    observe: ({ waiting, spooled }) => [
      [waiting, { place: 'memory' }],
      [spooled, { place: 'disk' }],
    ],
  },
  {
    name: 'langfuse.delivery.queued_bytes',
    description: 'Bytes held for delivery, by where they are',
    unit: 'By',
    kind: 'gauge',
    observe: ({ memoryBytes, spoolBytes }) => [
      [memoryBytes, { place: 'memory' }],
      [spoolBytes, { place: 'disk' }],
    ],
  },
  {
    name: 'langfuse.delivery.requests',
    description: 'Requests made, and those whose spans had to be sent again',
    unit: '{request}',
    kind: 'counter',
    observe: ({ requests, retries }) => [
      [requests, { kind: 'sent' }],
      [retries, { kind: 'retried' }],
    ],
  },
  {
    name: 'langfuse.delivery.breaker',
    description: 'State of the circuit breaker: 1 for the state it is in',
    unit: '1',
    kind: 'gauge',
    observe: ({ breaker }) => BREAKER_STATES.map(state => [state === breaker.state ? 1 : 0, { state }]),
  },
]

/** Shows the statistics of outboxes as metrics of a meter, with the attribute `destination`. Returns the way to stop that. */
export function observeOutboxes(meter: Meter, outboxes: readonly Outbox[]): () => void {
  const observables = INSTRUMENTS.map(({ name, description, unit, kind }) =>
    kind === 'counter'
      ? meter.createObservableCounter(name, { description, unit })
      : meter.createObservableGauge(name, { description, unit }),
  )
  meter.addBatchObservableCallback(observe, observables)
  return () => meter.removeBatchObservableCallback(observe, observables)

  function observe(result: BatchObservableResult): void {
    for (const outbox of outboxes) {
      const stats = outbox.stats()
      for (const [index, instrument] of INSTRUMENTS.entries()) {
        for (const [value, attributes] of instrument.observe(stats)) {
          result.observe(observables[index]!, value, { destination: outbox.name, ...attributes })
        }
      }
    }
  }
}
