import type {
  FlushResult,
  ItemOutbox,
  OutboxHealth,
  OutboxStats,
  ScoreEvent,
} from '@langfuse-middleware/delivery'
import type { Meter } from '@opentelemetry/api'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { settlesWithin } from '../basics/deadline.ts'
import type { Log } from '../basics/logger.ts'
import type { LocalInspector } from '../inspector/local-inspector.ts'
import { createMirrorExporter } from '../mirrors/mirror-exporter.ts'
import { mirrorName } from '../options/delivery-options.ts'
import type { Destination } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { createOutboxes } from './outboxes.ts'

interface Surroundings {
  readonly log: Log
  /** Shows the figures as metrics. */
  readonly meter: Meter
  /** The inspector that runs inside the app. */
  readonly inspector: LocalInspector | undefined
}

/** Everything between Langfuse's processor and the network. */
export interface Delivery extends SpanExporter {
  /** Waits for what was handed in before, or for the deadline. Never rejects. */
  flush(timeoutMs: number): Promise<FlushResult>
  close(timeoutMs: number): Promise<FlushResult>
  /** Spools or counts what is in memory, without waiting: for the exit of the process. */
  closeNow(): void
  /** Number of observations and scores handed in. */
  readonly handedIn: number
  /** Shows the figures as metrics of `meter`; returns what stops that. */
  observe(meter: Meter): () => void
  /** By destination: `langfuse` or `queue`, `inspector`, and each mirror's name. */
  stats(): Record<string, OutboxStats>
  /** Takes scores to Langfuse; undefined where nothing goes there. */
  readonly scores: ItemOutbox<ScoreEvent> | undefined
  health(): OutboxHealth
}

const INSPECTOR_CLOSE_MS = 1_000
/** Creates the outboxes and what is done with all of them. Throws if an option is invalid. */
export function createDelivery(
  config: TracingConfig,
  destination: Destination,
  { log, meter, inspector }: Surroundings,
): Delivery {
  const { createFanOut, observeOutboxes }: typeof import('@langfuse-middleware/delivery') =
    require('@langfuse-middleware/delivery')
  const { spans: outboxes, scores } = createOutboxes(config, destination, inspector, log)
  const observed = [...outboxes.values()]
  const exporters = [...outboxes].map(([name, outbox]) => {
    const mirror = config.mirrors.find(one => mirrorName(one) === name)
    if (mirror === undefined) return outbox
    return createMirrorExporter(outbox, mirror, error =>
      log.warnOnce(
        `mirror ${name}`,
        `an observation was sent to the mirror ${name} with Langfuse's names only, because it could not be rewritten: ${String(error)}`,
      ),
    )
  })
  const all = scores === undefined ? observed : [...observed, scores]
  const stopObserving = observeOutboxes(meter, observed)

  return {
    export: createFanOut(exporters).export,
    // Langfuse's processor waits for these without a deadline; `flush` and `close` have one.
    forceFlush: async () => {},
    shutdown: async () => {},
    flush: timeoutMs => added(all.map(outbox => outbox.flush({ timeoutMs }))),
    async close(timeoutMs) {
      stopObserving()
      const result = await added(all.map(outbox => outbox.close({ timeoutMs })))
      if (inspector !== undefined) await settlesWithin(inspector.close(), INSPECTOR_CLOSE_MS)
      return result
    },
    closeNow() {
      for (const outbox of all) outbox.closeNow()
    },
    get handedIn() {
      return all.reduce((sum, outbox) => sum + outbox.stats().accepted, 0)
    },
    observe: meter => observeOutboxes(meter, observed),
    scores,
    stats: () => Object.fromEntries([...outboxes].map(([name, outbox]) => [name, outbox.stats()])),
    health() {
      const each = all.map(outbox => outbox.health())
      const worst = each.find(one => one.status === 'closed') ?? each.find(one => one.status === 'degraded')
      return { status: worst?.status ?? 'ok', reasons: [...new Set(each.flatMap(one => one.reasons))] }
    },
  }
}

/** The result of a flush with nothing to send. */
export const NOTHING_FLUSHED: FlushResult = Object.freeze({
  delivered: 0,
  spooled: 0,
  dropped: 0,
  waiting: 0,
})

async function added(flushes: Promise<FlushResult>[]): Promise<FlushResult> {
  const sum = { ...NOTHING_FLUSHED }
  for (const result of await Promise.all(flushes)) {
    for (const name of Object.keys(sum) as (keyof FlushResult)[]) sum[name] += result[name]
  }
  return sum
}
