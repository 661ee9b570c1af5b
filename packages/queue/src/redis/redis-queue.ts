import type { MessageKind } from '../contract/message.ts'
import type { MessageQueue } from '../contract/message-queue.ts'
import { createQueueSender } from '../contract/queue-sender.ts'
import { createRedisConsumer } from './consumer.ts'
import { redisResult } from './errors.ts'
import { type RedisQueueOptions, resolveRedisOptions } from './options.ts'
import { createRedisPublisher, type RedisPublisher } from './publisher.ts'

const MAX_BODY_BYTES = 2 * 1024 * 1024

/**
 * Creates a queue on Redis Streams, for an app (`langfuseMiddleware({ queue: redisQueue({ url }) })`) or a worker.
 *
 * A message is one batch of the outbox, gzipped. Redis needs `maxmemory-policy noeviction` and, to survive a crash, `appendonly yes`.
 *
 * @throws LANGFUSE_MIDDLEWARE_INVALID_OPTION
 * @example
 * redisQueue({ url: 'redis://localhost:6379', stream: 'otlp_spans' })
 */
export function redisQueue(options: RedisQueueOptions): MessageQueue {
  const config = resolveRedisOptions(options)
  const url = new URL(config.url ?? 'redis://client')
  const address = `redis://${url.host}${url.pathname}/${config.streams.spans}`.replace(/([^:])\/+/g, '$1/')
  const sender = (kind: MessageKind, publicKey: string) => {
    let publisher: RedisPublisher | undefined
    return createQueueSender({
      kind,
      publicKey,
      address,
      secrets: [decodeURIComponent(url.password)],
      maxBodyBytes: MAX_BODY_BYTES,
      publisher() {
        publisher = createRedisPublisher(config)
        return publisher
      },
      pack: async body => [{ body }],
      resultOf: error => redisResult(error, publisher?.lastError),
    })
  }

  return {
    name: 'Redis',
    address,
    partitionedByTrace: false,
    spans: ({ publicKey }) => sender('spans', publicKey),
    scores: ({ publicKey }) => sender('scores', publicKey),
    publisher: () => createRedisPublisher(config),
    consumer: consumer => createRedisConsumer(config, consumer),
  }
}
