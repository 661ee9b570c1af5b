import type { Logger } from '@langfuse-middleware/delivery'
import {
  integer,
  invalid,
  milliseconds,
  type OptionSource,
  type OptionTable,
  oneOf,
  resolveTable,
  text,
  withMethods,
} from '@langfuse-middleware/delivery/options'
import type { MessageQueue } from '../contract/message-queue.ts'
import {
  resolveTailSampling,
  type TailSamplingConfig,
  type TailSamplingOptions,
} from '../tail-sampling/options.ts'
import type { RateLimitOptions } from './rate-limit.ts'

export interface WorkerOptions {
  /** What to read from: `kafkaQueue(…)`, `sqsQueue(…)` or `redisQueue(…)`. */
  queue: MessageQueue
  /** Projects of Langfuse to deliver to. Messages without a public key, as the Collector writes them, go to the first. */
  projects: readonly Project[]
  /** Name under which several workers share the messages. @default 'langfuse-worker' */
  group?: string | undefined
  /** Most bytes in one request, before compression. @default 2097152 (2 MiB) */
  maxBatchBytes?: number | undefined
  /** Most spans in one request. @default 5000 */
  maxBatchSpans?: number | undefined
  /** Longest wait in ms for more messages before a request. @default 200 */
  lingerMs?: number | undefined
  /** Most requests under way at once, for each project. @default 4 */
  maxInFlight?: number | undefined
  /** Most bytes of messages in memory; past it, nothing more is read. @default 67108864 (64 MiB) */
  maxBytes?: number | undefined
  /** Limits what all projects together get. @default unlimited */
  rateLimit?: RateLimitOptions | undefined
  /** How often a body is sent if Langfuse fails on it (500, 408) before it is a dead letter. @default 10 */
  maxAttempts?: number | undefined
  /** Longest time in ms for a request to Langfuse. @default 30000 */
  timeoutMs?: number | undefined
  /**
   * What happens to messages while Langfuse refuses the keys of their project (401, 403): `'wait'` stops reading once memory is full,
   * which also holds up other projects; `'dead-letter'` keeps them for a later redrive. @default 'wait'
   */
  onRefused?: 'wait' | 'dead-letter' | undefined
  /** Longest time in ms between two probes while the keys are refused. @default 60000 */
  refusedCoolDownMs?: number | undefined
  /** Keeps whole traces by what happened in any of their services; only with Kafka, whose partitions keep a trace together. @default off */
  tailSampling?: TailSamplingOptions | undefined
  /** Where `/healthz`, `/readyz` and `/metrics` are served; false for nowhere. @default port 9464 on all interfaces */
  monitoring?: { port?: number | undefined; host?: string | undefined } | false | undefined
  /** Longest time in ms that `stop()` waits for what is being delivered. @default 25000 */
  shutdownTimeoutMs?: number | undefined
  /** Where log lines go. @default console */
  logger?: Logger | undefined
}

export interface Project {
  publicKey: string
  secretKey: string
  /** @default 'https://cloud.langfuse.com' */
  baseUrl?: string | undefined
}

export interface WorkerConfig extends Resolved {}

type Resolved = {
  readonly [Name in keyof WorkerOptions]-?: Name extends 'monitoring'
    ? { readonly port: number; readonly host: string } | false
    : Name extends 'tailSampling'
      ? TailSamplingConfig | undefined
      : NonNullable<WorkerOptions[Name]>
}
type Source = OptionSource
type Monitoring = { port?: number | undefined; host?: string | undefined }

const MIB = 1024 * 1024

const MONITORING: OptionTable<Monitoring> = {
  port: { check: integer(0, 65_535), default: 9464 },
  host: { check: text(), default: '0.0.0.0' },
}

const RATE_LIMIT: OptionTable<RateLimitOptions, { [Name in keyof RateLimitOptions]-?: number | undefined }> =
  {
    requestsPerSecond: { check: above0, default: undefined },
    bytesPerSecond: { check: above0, default: undefined },
  }

const WORKER_OPTIONS: OptionTable<WorkerOptions, Resolved> = {
  queue: { check: queue },
  projects: { check: projects },
  group: { check: text(), default: 'langfuse-worker' },
  maxBatchBytes: { check: integer(1024), default: 2 * MIB },
  maxBatchSpans: { check: integer(1), default: 5_000 },
  lingerMs: { check: milliseconds(0), default: 200 },
  maxInFlight: { check: integer(1), default: 4 },
  maxBytes: { check: integer(MIB), default: 64 * MIB },
  rateLimit: {
    check: (path, value) => resolveTable(path, value, RATE_LIMIT) as RateLimitOptions,
    default: {},
  },
  maxAttempts: { check: integer(1), default: 10 },
  timeoutMs: { check: milliseconds(1), default: 30_000 },
  onRefused: { check: oneOf('wait', 'dead-letter'), default: 'wait' },
  refusedCoolDownMs: { check: milliseconds(0), default: 60_000 },
  tailSampling: { check: resolveTailSampling, default: undefined },
  monitoring: { check: monitoring, derive: () => monitoring('monitoring', {}) },
  shutdownTimeoutMs: { check: milliseconds(0), default: 25_000 },
  logger: { check: logger, derive: () => logger('logger', globalThis.console) },
}

/** Checks the options of a worker and fills in what is absent. */
export function resolveWorkerOptions(options: WorkerOptions): WorkerConfig {
  const resolved = resolveTable<WorkerOptions, Resolved, Source>('', options, WORKER_OPTIONS)
  if (resolved.tailSampling !== undefined && !resolved.queue.partitionedByTrace)
    return invalid(
      'tailSampling',
      'absent: only Kafka sends all spans of a trace to one worker',
      resolved.queue.name,
    )
  return resolved
}

function queue(path: string, value: unknown): MessageQueue {
  if (typeof (value as MessageQueue | null)?.consumer === 'function') return value as MessageQueue
  return invalid(path, 'kafkaQueue(…), sqsQueue(…) or redisQueue(…)', value)
}

function projects(path: string, value: unknown): readonly Project[] {
  if (!Array.isArray(value) || value.length === 0)
    return invalid(path, 'a list with at least one { publicKey, secretKey, baseUrl }', value)
  const keys = new Set(value.map(project => project?.publicKey))
  return keys.size === value.length ? value : invalid(path, 'one entry for each public key', value)
}

function monitoring(path: string, value: unknown): WorkerConfig['monitoring'] {
  return value === false
    ? false
    : (resolveTable<Monitoring, Required<Monitoring>, Source>(path, value, MONITORING) as {
        port: number
        host: string
      })
}

function above0(path: string, value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : invalid(path, 'a number above 0', value)
}

function logger(path: string, value: unknown): Logger {
  return withMethods<Logger>('info', 'warn', 'error')(path, value)
}
