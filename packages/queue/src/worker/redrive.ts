import type { Logger } from '@langfuse-middleware/delivery'
import type { ReceivedMessage } from '../contract/message.ts'
import type { MessageQueue } from '../contract/message-queue.ts'

export interface RedriveOptions {
  queue: MessageQueue
  /** Only dead letters of these causes; others stay. @default all */
  causes?: readonly string[] | undefined
  /** Most messages. @default unlimited */
  limit?: number | undefined
  /** Ends after this time in ms without another dead letter. @default 5000 */
  idleMs?: number | undefined
  /** @default 'langfuse-redrive' */
  group?: string | undefined
  /** Where log lines go. @default console */
  logger?: Logger | undefined
}

export interface RedriveResult {
  /** Messages put back into the queue. */
  redriven: number
  /** Messages left as dead letters, because of their cause or because they became dead letters after the start. */
  skipped: number
}

const CONNECT_TIMEOUT_MS = 60_000
const POLL_MS = 50

/** Puts dead letters back into the queue, for instance once the keys or the cause have been mended. */
export async function redriveDeadLetters(options: RedriveOptions): Promise<RedriveResult> {
  const {
    queue,
    causes,
    limit = Number.POSITIVE_INFINITY,
    idleMs = 5_000,
    logger = globalThis.console,
  } = options
  const startedAt = new Date().toISOString()
  const publisher = queue.publisher()
  const result: RedriveResult = { redriven: 0, skipped: 0 }
  const waiting: ReceivedMessage[] = []
  let lastAt = performance.now()
  let lastFailure: unknown
  const consumer = queue.consumer({
    channels: ['dead-letters'],
    group: options.group ?? 'langfuse-redrive',
    receive: message => waiting.push(message),
    failed(error) {
      lastFailure = error
    },
  })
  await consumer.start()
  try {
    while (result.redriven < limit) {
      const message = waiting.shift()
      if (message !== undefined) {
        lastAt = performance.now()
        await handle(message)
        continue
      }
      const idle = performance.now() - lastAt
      if (consumer.connected && idle >= idleMs) break
      if (!consumer.connected && idle >= CONNECT_TIMEOUT_MS) {
        throw new Error(`${queue.address} cannot be read: ${String(lastFailure)}`, { cause: lastFailure })
      }
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  } finally {
    await consumer.stop()
    await consumer.close()
    await publisher.close()
  }
  logger.info(`${result.redriven} dead letters put back into ${queue.address}, ${result.skipped} left`)
  return result

  async function handle(message: ReceivedMessage): Promise<void> {
    const { kind, body, publicKey, key, origin } = message
    const failure = message.failure ?? { cause: 'unknown', reason: '', origin, failedAt: startedAt }
    // What became a dead letter after the start would come back for ever. It is not acknowledged, for the next run.
    if (failure.failedAt > startedAt) {
      result.skipped += 1
      return
    }
    if (causes === undefined || causes.includes(failure.cause)) {
      await publisher.publish(kind, [{ kind, body, publicKey, key }])
      result.redriven += 1
    } else {
      // Moved to the end, because a position in a topic can only be committed together with all before it.
      const failedAt = new Date(Date.now() + 1).toISOString()
      await publisher.publish('dead-letters', [
        { kind, body, publicKey, key, failure: { ...failure, failedAt } },
      ])
    }
    message.acknowledge()
  }
}
