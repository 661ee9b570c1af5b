import type {
  FlushResult,
  ItemOutbox,
  Outbox,
  OutboxHealth,
  OutboxStats,
  ScoreEvent,
} from '@langfuse-middleware/delivery'
import type { Meter } from '@opentelemetry/api'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { settlesWithin } from '../basics/deadline.ts'
import type { Logger } from '../basics/logger.ts'
import type { LocalInspector } from '../inspector/local-inspector.ts'
import type { Destination } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { loadQueue } from './queue.ts'

interface Surroundings {
  readonly logger: Logger
  /** Where the figures show as metrics. */
  readonly meter: Meter
  /** The inspector that the app brings along. */
  readonly inspector: LocalInspector | undefined
}

/** Everything between Langfuse's processor and the network. */
export interface Delivery extends SpanExporter {
  /** Waits for what was handed in before, or for the deadline. Never rejects. */
  flush(timeoutMs: number): Promise<FlushResult>
  close(timeoutMs: number): Promise<FlushResult>
  /** Shows the figures as metrics of `meter`; returns what stops that. */
  observe(meter: Meter): () => void
  /** By destination: `langfuse` or `queue`, `inspector`, and each mirror's address. */
  stats(): Record<string, OutboxStats>
  /** Takes scores to Langfuse; undefined where nothing goes there. */
  readonly scores: ItemOutbox<ScoreEvent> | undefined
  health(): OutboxHealth
}

const INSPECTOR_CLOSE_MS = 1_000
const MAX_SCORE_BYTES = 8 * 1024 * 1024

/** One outbox per destination, so that the outage of one never touches another. Throws where an option cannot be used. */
export function createDelivery(
  config: TracingConfig,
  destination: Destination,
  { logger, meter, inspector }: Surroundings,
): Delivery {
  const packages: typeof import('@langfuse-middleware/delivery') = require('@langfuse-middleware/delivery')
  const { createOutbox, createFanOut, observeOutboxes } = packages
  const { timeoutMs, spool, ...limits } = config.delivery
  const shared = { ...limits, minBatchSpans: config.flush.at, intervalMs: config.flush.intervalMs, logger }
  const scoreLimits = {
    maxBytes: Math.min(limits.maxBytes, MAX_SCORE_BYTES),
    spool: spool && { ...spool, maxBytes: Math.min(spool.maxBytes, MAX_SCORE_BYTES) },
    // One after the other, so that of two scores with one id the later stays.
    maxInFlight: 1,
  }
  const outboxes = new Map<string, Outbox>()
  let scores: ItemOutbox<ScoreEvent> | undefined

  if (inspector !== undefined) {
    const local = { ...limits, minBatchSpans: 1, logger, name: 'the inspector' }
    const sender = inspector.sender(url => packages.createOtlpSender({ url }))
    outboxes.set('inspector', createOutbox({ ...local, sender }))
    if (destination.kind === 'inspector') {
      const { publicKey, secretKey } = destination
      scores = packages.createScoreOutbox({
        ...local,
        sender: inspector.sender(baseUrl =>
          packages.createLangfuseScoreSender({ publicKey, secretKey, baseUrl }),
        ),
        maxInFlight: 1,
      })
    }
  }
  if (destination.kind === 'langfuse' || (destination.kind === 'inspector' && inspector === undefined)) {
    const { publicKey, secretKey, baseUrl } = destination
    const endpoint = { publicKey, secretKey, baseUrl, timeoutMs }
    const langfuse = {
      ...shared,
      name: destination.kind === 'langfuse' ? 'Langfuse' : `the local inspector at ${baseUrl}`,
      // Placeholders for a local Langfuse may be one word, which hides nothing.
      secrets: secretKey === publicKey ? [] : [secretKey],
      spool,
    }
    outboxes.set('langfuse', createOutbox({ ...langfuse, sender: packages.createLangfuseSender(endpoint) }))
    scores = packages.createScoreOutbox({
      ...langfuse,
      sender: packages.createLangfuseScoreSender(endpoint),
      ...scoreLimits,
    })
  }
  if (destination.kind === 'queue') {
    const { publicKey } = destination
    const queue = typeof config.queue === 'object' ? config.queue : loadQueue(config.queue ?? '')
    const queued = { ...shared, name: queue.name, spool }
    outboxes.set('queue', createOutbox({ ...queued, sender: queue.spans({ publicKey }) }))
    scores = packages.createScoreOutbox({ ...queued, ...scoreLimits, sender: queue.scores({ publicKey }) })
  }
  for (const { url, protocol, headers, resourceAttributes } of config.mirrors) {
    outboxes.set(
      url,
      createOutbox({
        ...shared,
        sender: packages.createOtlpSender({ url, protocol, headers, timeoutMs }),
        name: `the mirror ${new URL(url).host}`,
        secrets: Object.values(headers ?? {}),
        resourceAttributes,
      }),
    )
  }
  const observed = [...outboxes.values()]
  const all = scores === undefined ? observed : [...observed, scores]
  const stopObserving = observeOutboxes(meter, observed)

  return {
    export: createFanOut(observed).export,
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
