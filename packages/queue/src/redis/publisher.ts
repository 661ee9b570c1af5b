import { compress } from '../basics/gzip.ts'
import { attributesOf } from '../contract/attributes.ts'
import type { Publisher } from '../contract/message-queue.ts'
import { openRedis, type RedisConnection } from './client.ts'
import type { RedisConfig } from './options.ts'

export interface RedisPublisher extends Publisher {
  /** What went wrong last on the connection. */
  readonly lastError: Error | undefined
}

/** Creates the publisher of a Redis queue. It connects when it is first used. */
export function createRedisPublisher(config: RedisConfig): RedisPublisher {
  let opening: Promise<RedisConnection> | undefined
  let connection: RedisConnection | undefined

  return {
    get lastError() {
      return connection?.lastError
    },
    async publish(channel, messages) {
      opening ??= openRedis(config).catch(error => {
        opening = undefined
        throw error
      })
      connection = await opening
      for (const message of messages) {
        // Compressed, because memory is what a stream costs.
        const fields = ['body', await compress(message.body), ...attributesOf(message).flat()]
        if (message.key !== undefined) fields.push('key', message.key)
        await connection.client.callBuffer('XADD', config.streams[channel], '*', ...fields)
      }
    },
    async close() {
      const opened = await opening?.catch(() => undefined)
      opened?.close()
    },
  }
}
