import {
  invalid,
  milliseconds,
  type OptionSource,
  type OptionTable,
  resolveTable,
  text,
  withMethods,
} from '@langfuse-middleware/delivery/options'

export interface RedisQueueOptions {
  /** Address: `redis://user:password@host:6379/0`, or `rediss:` for TLS. Not needed if `client` is given. */
  url?: string | undefined
  /** Stream of spans. @default 'otlp_spans' */
  stream?: string | undefined
  /** Stream of scores. @default 'langfuse_scores' */
  scoresStream?: string | undefined
  /** Stream of what Langfuse never accepts. @default the stream of spans with `_dead_letters` */
  deadLetterStream?: string | undefined
  /** Longest time in ms for a command. @default 5000 */
  timeoutMs?: number | undefined
  /** Time in ms after which the messages of a worker that shows no sign of life go to another. @default 60000 */
  claimAfterMs?: number | undefined
  /** The app's own client of `ioredis`; it is not closed. A worker duplicates it for reading. @default a new one */
  client?: RedisClient | undefined
}

/** The part of an `ioredis` client that is used. */
export interface RedisClient {
  // biome-ignore lint/suspicious/noExplicitAny: what Redis answers depends on the command
  callBuffer(command: string, ...args: any[]): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: the options of ioredis
  duplicate(override?: any): any
}

export interface RedisConfig extends Resolved {
  readonly streams: Readonly<Record<'spans' | 'scores' | 'dead-letters', string>>
}

type Resolved = {
  readonly [Name in keyof RedisQueueOptions]-?: Name extends 'url' | 'deadLetterStream' | 'client'
    ? RedisQueueOptions[Name]
    : NonNullable<RedisQueueOptions[Name]>
}

const REDIS_OPTIONS: OptionTable<RedisQueueOptions, Resolved> = {
  url: { check: redisUrl, default: undefined },
  stream: { check: text(), default: 'otlp_spans' },
  scoresStream: { check: text(), default: 'langfuse_scores' },
  deadLetterStream: { check: text(), default: undefined },
  timeoutMs: { check: milliseconds(100), default: 5_000 },
  claimAfterMs: { check: milliseconds(1_000), default: 60_000 },
  client: { check: withMethods<RedisClient>('callBuffer', 'duplicate'), default: undefined },
}

/** Checks the options of a Redis queue and fills in what is absent. */
export function resolveRedisOptions(options: RedisQueueOptions): RedisConfig {
  const resolved = resolveTable<RedisQueueOptions, Resolved, OptionSource>('', options, REDIS_OPTIONS)
  if (resolved.client === undefined) redisUrl('url', options.url)
  const { stream, scoresStream, deadLetterStream = `${stream}_dead_letters` } = resolved
  return Object.freeze({
    ...resolved,
    streams: Object.freeze({ spans: stream, scores: scoresStream, 'dead-letters': deadLetterStream }),
  })
}

function redisUrl(path: string, value: unknown): string {
  const isUrl = typeof value === 'string' && URL.canParse(value) && /^rediss?:$/.test(new URL(value).protocol)
  if (isUrl) return value
  // The value may hold a password.
  return invalid(path, "a URL such as 'redis://localhost:6379'", value === undefined ? value : typeof value)
}
