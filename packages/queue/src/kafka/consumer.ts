import type { Consumer as KafkaConsumer, Message, MessagesStream } from '@platformatic/kafka'
import { readAttributes } from '../contract/attributes.ts'
import type { Channel } from '../contract/message.ts'
import type { Consumer, ConsumerOptions } from '../contract/message-queue.ts'
import { connectionOptions, type KafkaClient, loadKafka } from './client.ts'
import { createPartitionOffsets, type PartitionOffsets } from './offsets.ts'
import type { KafkaConfig } from './options.ts'
import { createMissingTopics } from './topics.ts'

type Stream = MessagesStream<Buffer, Buffer, Buffer, Buffer>

interface Session {
  consumer: KafkaConsumer
  stream: Stream
}

const COMMIT_EVERY_MS = 500
const RECONNECT_MS = 1_000
const FETCH_BYTES = 4 * 1024 * 1024
const MESSAGES_AHEAD = 64
/** A worker that was killed is noticed after this time, and its partitions move to the others. */
const SESSION_TIMEOUT_MS = 10_000

/** Creates the consumer of a Kafka queue. It reconnects by itself. */
export function createKafkaConsumer(config: KafkaConfig, options: ConsumerOptions): Consumer {
  const channels = new Map<string, Channel>(
    options.channels.map(channel => [config.topics[channel], channel]),
  )
  const offsets = new Map<string, PartitionOffsets>()
  const committed = new Map<string, bigint>()
  let session: Session | undefined
  let running: Promise<void> | undefined
  let paused = false
  let stopped = false
  let wakeUp: (() => void) | undefined
  let committing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  return {
    async start() {
      const kafka = await loadKafka()
      timer = setInterval(() => void commit(), COMMIT_EVERY_MS)
      running = run(kafka)
    },
    pause() {
      paused = true
      session?.stream.pause()
    },
    resume() {
      if (!paused) return
      paused = false
      session?.stream.resume()
    },
    async stop() {
      stopped = true
      wakeUp?.()
      session?.stream.pause()
    },
    async close() {
      stopped = true
      clearInterval(timer)
      await commit()
      wakeUp?.()
      session?.stream.destroy()
      await running
    },
    get connected() {
      return session?.consumer.isActive() ?? false
    },
    get partitions() {
      return [...assigned()]
    },
    lag,
  }

  async function run(kafka: KafkaClient): Promise<void> {
    while (!stopped) {
      try {
        await consume(kafka)
      } catch (error) {
        if (!stopped && !isStarting(error)) options.failed(error)
      }
      if (!stopped) await pauseFor(RECONNECT_MS)
    }
  }

  /** Reads until the connection breaks, which the client reports by destroying its stream. */
  async function consume(kafka: KafkaClient): Promise<void> {
    await createMissingTopics(config)
    const consumer: KafkaConsumer = new kafka.Consumer({
      ...connectionOptions(config),
      groupId: options.group,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: SESSION_TIMEOUT_MS * 3,
      heartbeatInterval: SESSION_TIMEOUT_MS / 5,
      autocommit: false,
      maxBytes: FETCH_BYTES,
      maxWaitTime: 1_000,
      highWaterMark: MESSAGES_AHEAD,
    })
    consumer.on('consumer:group:join', () => forgetRevoked(consumer))
    try {
      const stream = await consumer.consume({
        topics: [...channels.keys()],
        mode: 'committed',
        fallbackMode: 'earliest',
      })
      if (stopped) return
      session = { consumer, stream }
      forgetRevoked(consumer)
      await new Promise<void>((resolve, reject) => {
        stream.on('error', reject)
        stream.on('close', resolve)
        stream.on('data', receive)
        if (paused) stream.pause()
      })
    } finally {
      session = undefined
      await closeQuietly(consumer)
    }
  }

  function receive(message: Message<Buffer, Buffer, Buffer, Buffer>): void {
    const { topic, partition, offset } = message
    const id = `${topic}[${partition}]`
    let tracked = offsets.get(id)
    if (tracked === undefined) {
      tracked = createPartitionOffsets()
      offsets.set(id, tracked)
    }
    if (stopped || !tracked.receive(offset)) return
    const headers = new Map([...message.headers].map(([name, value]) => [`${name}`, `${value}`]))
    options.receive({
      ...readAttributes(name => headers.get(name), channels.get(topic) ?? 'spans'),
      body: message.value ?? Buffer.alloc(0),
      key: message.key ? `${message.key}` : undefined,
      origin: `${id}@${offset}`,
      partition: id,
      acknowledge: () => tracked.acknowledge(offset),
    })
  }

  /** Forgets partitions that moved to another member: it receives what was not committed. */
  function forgetRevoked(consumer: KafkaConsumer): void {
    const now = assigned(consumer)
    const gone = [...offsets.keys()].filter(id => !now.has(id))
    for (const id of gone) {
      offsets.delete(id)
      committed.delete(id)
    }
  }

  function assigned(consumer: KafkaConsumer | undefined = session?.consumer): Set<string> {
    return new Set(
      (consumer?.assignments ?? []).flatMap(({ topic, partitions }) =>
        partitions.map(partition => `${topic}[${partition}]`),
      ),
    )
  }

  /** One commit at a time, so that a slow one never overtakes the next. */
  function commit(): Promise<void> {
    committing = committing.then(commitNow)
    return committing
  }

  async function commitNow(): Promise<void> {
    const consumer = session?.consumer
    if (consumer === undefined) return
    const due = [...offsets].flatMap(([id, { position }]) => {
      if (position === undefined || committed.get(id) === position) return []
      const [, topic, partition] = id.match(/^(.*)\[(\d+)\]$/)!
      return [{ id, topic: topic!, partition: Number(partition), offset: position, leaderEpoch: -1 }]
    })
    if (due.length === 0) return
    try {
      await consumer.commit({ offsets: due.map(({ id: _id, ...offset }) => offset) })
      for (const { id, offset } of due) committed.set(id, offset)
    } catch (error) {
      // During a rebalance; the next commit, or the next owner of the partition, makes up for it.
      if (!stopped && !isRebalance(error)) options.failed(error)
    }
  }

  async function lag(): Promise<number> {
    const current = session
    if (current === undefined) return 0
    const partitions = Object.fromEntries(
      (current.consumer.assignments ?? []).map(({ topic, partitions }) => [topic, partitions]),
    )
    const topics = Object.keys(partitions).filter(topic => partitions[topic]!.length > 0)
    if (topics.length === 0) return 0
    const ends = await current.consumer.listOffsets({ topics, partitions })
    let total = 0n
    for (const [topic, list] of ends) {
      for (const partition of partitions[topic] ?? []) {
        const end = list[partition] ?? 0n
        const position =
          offsets.get(`${topic}[${partition}]`)?.position ??
          current.stream.offsetsToFetch.get(`${topic}:${partition}`)
        if (position !== undefined && end > position) total += end - position
      }
    }
    return Number(total)
  }

  function pauseFor(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Closing fails if the broker is gone, and then there is nothing to leave. */
async function closeQuietly(consumer: KafkaConsumer): Promise<void> {
  try {
    await consumer.close(true)
  } catch {
    // The broker ends the session by itself.
  }
}

/** The first calls to a broker that has just started, or to a new group, answer that the coordinator is loading. */
function isStarting(error: unknown): boolean {
  return ['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE'].some(id =>
    Boolean(findBy(error, 'apiId', id)),
  )
}

function isRebalance(error: unknown): boolean {
  return Boolean(findBy(error, 'needsRejoin', true) ?? findBy(error, 'rebalanceInProgress', true))
}

function findBy(error: unknown, property: string, value: unknown): unknown {
  const { findBy } = error as { findBy?: (property: string, value: unknown) => unknown }
  return findBy?.call(error, property, value)
}
