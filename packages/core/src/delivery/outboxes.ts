import type { ItemOutbox, Outbox, ScoreEvent } from '@langfuse-middleware/delivery'
import type { Logger } from '../basics/logger.ts'
import type { LocalInspector } from '../inspector/local-inspector.ts'
import { mirrorHeaders } from '../mirrors/mirror-headers.ts'
import { mirrorName, shownUrl } from '../options/delivery-options.ts'
import type { Destination } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { loadQueue } from './queue.ts'

type Packages = typeof import('@langfuse-middleware/delivery')

/** The outboxes of spans by name, and that of scores. */
export interface Outboxes {
  readonly spans: ReadonlyMap<string, Outbox>
  /** Undefined if nothing goes to Langfuse. */
  readonly scores: ItemOutbox<ScoreEvent> | undefined
}

const MAX_SCORE_BYTES = 8 * 1024 * 1024

/** Creates one outbox per destination, so that the outage of one never touches another. Throws if an option is invalid. */
export function createOutboxes(
  config: TracingConfig,
  destination: Destination,
  inspector: LocalInspector | undefined,
  logger: Logger,
): Outboxes {
  const packages: Packages = require('@langfuse-middleware/delivery')
  const toInspector = inspector && createForInspector(packages, config, destination, inspector, logger)
  const toLangfuse =
    destination.kind === 'langfuse' || (destination.kind === 'inspector' && inspector === undefined)
      ? createForLangfuse(packages, config, destination, logger)
      : undefined
  const toQueue =
    destination.kind === 'queue' ? createForQueue(packages, config, destination.publicKey, logger) : undefined
  return {
    spans: new Map([
      ...(toInspector === undefined ? [] : [['inspector', toInspector.spans] as const]),
      ...(toLangfuse === undefined ? [] : [['langfuse', toLangfuse.spans] as const]),
      ...(toQueue === undefined ? [] : [['queue', toQueue.spans] as const]),
      ...createForMirrors(packages, config, logger),
    ]),
    scores: toLangfuse?.scores ?? toQueue?.scores ?? toInspector?.scores,
  }
}

/** The options that all outboxes share. */
function sharedOptions({ delivery, flush }: TracingConfig, logger: Logger) {
  const { timeoutMs: _timeoutMs, agent: _agent, ...limits } = delivery
  return { ...limits, minBatchSpans: flush.at, intervalMs: flush.intervalMs, logger }
}

function createForInspector(
  packages: Packages,
  config: TracingConfig,
  destination: Destination,
  inspector: LocalInspector,
  logger: Logger,
) {
  const shared = {
    ...sharedOptions(config, logger),
    minBatchSpans: 1,
    intervalMs: undefined,
    spool: undefined,
    name: 'the inspector',
  }
  const spans = packages.createOutbox({
    ...shared,
    sender: inspector.sender(url => packages.createOtlpSender({ url })),
  })
  if (destination.kind !== 'inspector') return { spans, scores: undefined }
  const { publicKey, secretKey } = destination
  const sender = inspector.sender(baseUrl =>
    packages.createLangfuseScoreSender({ publicKey, secretKey, baseUrl }),
  )
  return { spans, scores: packages.createScoreOutbox({ ...shared, sender, maxInFlight: 1 }) }
}

function createForLangfuse(
  packages: Packages,
  config: TracingConfig,
  { kind, publicKey, secretKey, baseUrl }: Extract<Destination, { kind: 'langfuse' | 'inspector' }>,
  logger: Logger,
) {
  const { timeoutMs, agent } = config.delivery
  const endpoint = { publicKey, secretKey, baseUrl, timeoutMs, agent }
  const shared = {
    ...sharedOptions(config, logger),
    name: kind === 'langfuse' ? 'Langfuse' : `the local inspector at ${shownUrl(baseUrl)}`,
    // Placeholders for a local Langfuse may be one word, which hides nothing.
    secrets: secretKey === publicKey ? [] : [secretKey],
  }
  const spans = packages.createOutbox({ ...shared, sender: packages.createLangfuseSender(endpoint) })
  const scores = packages.createScoreOutbox({
    ...shared,
    sender: packages.createLangfuseScoreSender(endpoint),
    ...scoreLimits(config),
  })
  return { spans, scores }
}

function createForQueue(packages: Packages, config: TracingConfig, publicKey: string, logger: Logger) {
  const queue = typeof config.queue === 'object' ? config.queue : loadQueue(config.queue ?? '')
  const shared = { ...sharedOptions(config, logger), name: queue.name }
  return {
    spans: packages.createOutbox({ ...shared, sender: queue.spans({ publicKey }) }),
    scores: packages.createScoreOutbox({
      ...shared,
      ...scoreLimits(config),
      sender: queue.scores({ publicKey }),
    }),
  }
}

/** Scores take little memory and disk. */
function scoreLimits({ delivery: { maxBytes, spool } }: TracingConfig) {
  return {
    maxBytes: Math.min(maxBytes ?? MAX_SCORE_BYTES, MAX_SCORE_BYTES),
    spool: spool && { ...spool, maxBytes: Math.min(spool.maxBytes ?? MAX_SCORE_BYTES, MAX_SCORE_BYTES) },
    // One after the other, so that of two scores with one id the later stays.
    maxInFlight: 1,
  }
}

function createForMirrors(
  packages: Packages,
  config: TracingConfig,
  logger: Logger,
): (readonly [name: string, outbox: Outbox])[] {
  const { timeoutMs } = config.delivery
  return config.mirrors.map(mirror => {
    const { url, protocol, resourceAttributes } = mirror
    const headers = mirrorHeaders(mirror)
    const name = mirrorName(mirror)
    const outbox = packages.createOutbox({
      ...sharedOptions(config, logger),
      // Two tenants of one backend differ in their headers only, and must not send what the other spooled.
      sender: packages.createOtlpSender({ url, protocol, headers, timeoutMs, identity: `mirror:${name}` }),
      name: `the mirror ${name}`,
      secrets: Object.values(mirror.headers ?? {}),
      resourceAttributes,
    })
    return [name, outbox] as const
  })
}
