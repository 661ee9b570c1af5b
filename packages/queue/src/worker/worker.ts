import { createRedactor } from '@langfuse-middleware/delivery'
import { countItems } from '../contract/count-items.ts'
import type { DeadLetterCause, ReceivedMessage } from '../contract/message.ts'
import { createMonitoring, type Monitoring } from '../monitoring/monitoring.ts'
import type { WorkerHealth, WorkerStats } from '../monitoring/stats.ts'
import { createTailSampler, type TailSampler } from '../tail-sampling/tail-sampler.ts'
import { createDeadLetters } from './dead-letters.ts'
import { resolveWorkerOptions, type WorkerOptions } from './options.ts'
import { createWorkerProgress } from './progress.ts'
import { createProjectRelays, type ProjectRelays } from './project-relays.ts'
import { createRateLimit } from './rate-limit.ts'
import { throttledLog } from './throttled-log.ts'

/** Takes messages from a queue to Langfuse, each acknowledged once Langfuse has it. */
export interface Worker {
  /** Starts to receive. Rejects if the client of the queue is not installed or the port is taken. */
  start(): Promise<void>
  /**
   * Receives no more, delivers what was received within `shutdownTimeoutMs`, and leaves the group. What could not be delivered stays in
   * the queue. Never rejects.
   */
  stop(): Promise<void>
  stats(): WorkerStats
  health(): WorkerHealth
  /** Address of `/healthz`, `/readyz` and `/metrics`. */
  readonly url: string | undefined
}

const DEAD_LETTER_RETRY_MS = 1_000

/**
 * Creates a worker. Several with the same group share the messages.
 *
 * @throws LANGFUSE_MIDDLEWARE_INVALID_OPTION
 * @example
 * const worker = createWorker({ queue: kafkaQueue({ brokers }), projects: [{ publicKey, secretKey, baseUrl }] })
 * await worker.start()
 */
export function createWorker(options: WorkerOptions): Worker {
  const config = resolveWorkerOptions(options)
  const { queue, logger, maxBytes } = config
  const publisher = queue.publisher()
  const deadLetters = createDeadLetters(publisher)
  const limit = createRateLimit(config.rateLimit ?? {})
  const projects = new Map(
    config.projects.map(project => [
      project.publicKey,
      createProjectRelays(config, project, { deadLetters, limit }),
    ]),
  )
  const [first] = [...projects.values()]
  const redact = createRedactor(config.projects.map(({ secretKey }) => secretKey))
  const warn = throttledLog(message => logger.warn(redact(message)))
  const sampler =
    config.tailSampling && createTailSampler(config.tailSampling, { maxBytes: maxBytes / 4, warn })
  const consumer = queue.consumer({
    channels: ['spans', 'scores'],
    group: config.group,
    receive,
    failed: error =>
      warn(`${queue.name} at ${queue.address} cannot be read (${describe(error)}): trying again`),
  })
  const progress = createWorkerProgress({ consumer, delivered })
  let receivedMessages = 0
  let acknowledgedMessages = 0
  let keepingBytes = 0
  let state: 'new' | 'running' | 'stopping' | 'stopped' = 'new'
  let monitoring: Monitoring | undefined
  let stopping: Promise<void> | undefined

  const worker: Worker = {
    async start() {
      if (config.monitoring !== false) monitoring = await createMonitoring(config.monitoring, worker)
      try {
        await consumer.start()
      } catch (error) {
        await monitoring?.close()
        throw error
      }
      state = 'running'
      progress.start()
      logger.info(
        `delivering from ${queue.address} as ${config.group} to ${[...projects.values()].map(({ name }) => name).join(', ')}` +
          (monitoring === undefined ? '' : `; metrics at ${monitoring.url}/metrics`),
      )
    },
    stop() {
      stopping ??= stop()
      return stopping
    },
    stats() {
      return {
        receivedMessages,
        acknowledgedMessages,
        deadLetters: { ...deadLetters.counts },
        sampledOutSpans: sampler?.droppedSpans ?? 0,
        memoryBytes: memoryBytes(),
        projects: Object.fromEntries([...projects.values()].map(({ name, stats }) => [name, stats()])),
        ...progress.figures(),
      }
    },
    health,
    get url() {
      return monitoring?.url
    },
  }
  return worker

  function receive(message: ReceivedMessage): void {
    receivedMessages += 1
    const { publicKey, kind } = message
    const project = publicKey === undefined ? first : projects.get(publicKey)
    const items = countItems(kind, message.body)
    if (project === undefined)
      return keep(message, items ?? 1, 'unknown_project', `no secret key for ${publicKey}`)
    if (items === undefined) return keep(message, 1, 'undecodable', `not ${kind} in the format of this queue`)
    if (config.onRefused === 'dead-letter' && project.refusal !== undefined)
      return keep(message, items, 'refused', project.refusal)
    if (sampler === undefined) project.add(message, items, () => settle(message))
    else sample(sampler, project, message, items)
    bound()
  }

  /** A message is settled once every trace in it is dropped or delivered. */
  function sample(
    sampler: TailSampler,
    project: ProjectRelays,
    message: ReceivedMessage,
    items: number,
  ): void {
    if (message.kind === 'scores') {
      if (sampler.keepsScores(message.body)) project.add(message, items, () => settle(message))
      else settle(message)
      return
    }
    let open = 0
    const partDone = () => {
      open -= 1
      if (open === 0) settle(message)
    }
    // Held by this call, so that a message is not settled before all its traces were seen.
    open += 1
    sampler.add(message.body, (body, spans) => {
      open += 1
      return { body, spans, keep: () => project.add({ ...message, body }, spans, partDone), drop: partDone }
    })
    partDone()
  }

  function settle(message: ReceivedMessage): void {
    acknowledgedMessages += 1
    message.acknowledge()
    bound()
  }

  /** Keeps a whole message as a dead letter, however long it takes to store it. */
  function keep(message: ReceivedMessage, items: number, cause: DeadLetterCause, reason: string): void {
    keepingBytes += message.body.length
    bound()
    void store()

    async function store(): Promise<void> {
      const { kind, body, publicKey, key, origin } = message
      try {
        await deadLetters.keep({ kind, body, publicKey, key, cause, reason, origin, items })
      } catch (error) {
        warn(`dead letters cannot be stored (${describe(error)}): trying again`)
        setTimeout(store, DEAD_LETTER_RETRY_MS).unref()
        return
      }
      warn(`${origin} is a dead letter: ${reason}`)
      keepingBytes -= body.length
      settle(message)
    }
  }

  function bound(): void {
    const bytes = memoryBytes()
    if (bytes > maxBytes) {
      consumer.pause()
      sampler?.setPaused(true)
    } else if (bytes < maxBytes / 2) {
      consumer.resume()
      sampler?.setPaused(false)
    }
  }

  function memoryBytes(): number {
    let total = keepingBytes + (sampler?.bytes ?? 0)
    for (const { bytes } of projects.values()) total += bytes
    return total
  }

  function delivered(): number {
    let total = 0
    for (const project of projects.values())
      for (const { delivered } of Object.values(project.stats())) total += delivered
    return total
  }

  function health(): WorkerHealth {
    const reasons: string[] = []
    if (state === 'running' && !consumer.connected)
      reasons.push(`${queue.name} at ${queue.address} cannot be read`)
    for (const project of projects.values()) reasons.push(...problemsOf(project))
    const status = state === 'stopped' ? 'stopped' : state === 'new' || reasons.length > 0 ? 'degraded' : 'ok'
    return { status, reasons, ...progress.figures() }
  }

  async function stop(): Promise<void> {
    const wasRunning = state === 'running'
    state = 'stopping'
    const relays = [...projects.values()]
    progress.stop()
    // What is undecided stays in the queue.
    sampler?.close()
    if (wasRunning) {
      await consumer.stop()
      const drained = await Promise.all(relays.map(relay => relay.drain(config.shutdownTimeoutMs)))
      const left = receivedMessages - acknowledgedMessages
      await consumer.close()
      logger.info(
        drained.every(Boolean)
          ? `stopped: ${acknowledgedMessages} messages delivered, all acknowledged`
          : `stopped: ${acknowledgedMessages} messages delivered; ${left} were not delivered in time and stay in the queue`,
      )
    }
    await Promise.all(relays.map(relay => relay.close()))
    await publisher.close()
    state = 'stopped'
    await monitoring?.close()
  }
}

function problemsOf({ name, refusal, stats }: ProjectRelays): string[] {
  if (refusal !== undefined) return [`${name} refuses what is sent: ${refusal}`]
  const isOpen = Object.values(stats()).some(({ breaker }) => breaker !== 'closed')
  return isOpen ? [`${name} cannot be reached`] : []
}

function describe(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || String(error)
}
