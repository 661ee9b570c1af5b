import { loadClient } from '../basics/missing-package.ts'
import type { RedisClient, RedisConfig } from './options.ts'

/** A connection of our own. */
export interface RedisConnection {
  readonly client: RedisClient
  /** What went wrong last on the connection, which explains why a command failed. */
  readonly lastError: Error | undefined
  close(): void
}

const RECONNECT_MS = 1_000
/** Longest time for which a reading command waits for messages. */
export const BLOCKED_MS = 2_000

/** Opens a connection; `blocking` for one whose commands wait for messages. */
export async function openRedis(
  config: RedisConfig,
  { blocking = false }: { blocking?: boolean } = {},
): Promise<RedisConnection> {
  if (config.client !== undefined && !blocking) {
    return { client: config.client, lastError: undefined, close: () => {} }
  }
  const options = {
    // Answers of version 3 have another shape; this one every Redis and ioredis speaks.
    protocol: 2,
    connectTimeout: config.timeoutMs,
    retryStrategy: () => RECONNECT_MS,
    // Outbox and spool own the retries: a command must fail, not wait for the connection.
    maxRetriesPerRequest: 0,
    ...(blocking ? { socketTimeout: BLOCKED_MS + config.timeoutMs } : { commandTimeout: config.timeoutMs }),
  }
  const client = config.client?.duplicate(options) ?? (await connect(config.url!, options))
  let lastError: Error | undefined
  client.on('error', (error: Error) => {
    lastError = error
  })
  client.on('ready', () => {
    lastError = undefined
  })
  return {
    client,
    get lastError() {
      return lastError
    },
    close: () => client.disconnect(),
  }
}

async function connect(url: string, options: object) {
  const { Redis } = await loadClient('ioredis', 'redisQueue()', () => import('ioredis'))
  return new Redis(url, options)
}
