import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { type Clock, systemClock } from '../basics/clock.ts'
import { consoleLogger, type Logger } from '../basics/logger.ts'
import { invalidOption } from '../basics/start-up-error.ts'
import type { Sender } from '../senders/sender.ts'
import { type ResolvedSpoolOptions, resolveSpoolOptions, type SpoolOptions } from '../spool/options.ts'
import type { BackoffOptions } from './backoff.ts'
import type { BreakerOptions } from './breaker.ts'

export interface OutboxOptions {
  /** Takes bodies to their destination. */
  sender: Sender
  /** What log lines call the destination. @default 'Langfuse' */
  name?: string | undefined
  /** Most bytes of spans held in memory. @default 67108864 (64 MiB) */
  maxBytes?: number | undefined
  /** Most bytes in one request, before compression. @default 2097152 (2 MiB), less where `maxBytes` is small */
  maxBatchBytes?: number | undefined
  /** Most spans in one request. @default 1000 */
  maxBatchSpans?: number | undefined
  /** As soon as this many spans wait, they are sent without waiting for `intervalMs`. @default 1 */
  minBatchSpans?: number | undefined
  /** Longest wait of a span before it is sent. @default 1000 */
  intervalMs?: number | undefined
  /** How long a span waits for company even where `minBatchSpans` are there. @default 100 */
  lingerMs?: number | undefined
  /** Most requests under way at once. @default 4 */
  maxInFlight?: number | undefined
  /** How often a body is sent when the answer is a failure of the other side that may be the body's fault (500, 408). @default 10 */
  maxAttempts?: number | undefined
  /** Waits between attempts. */
  backoff?: BackoffOptions | undefined
  /** When to stop trying for a while. */
  breaker?: BreakerOptions | undefined
  /** How long sending stops after the keys were refused, before a probe. @default 60000 */
  refusedCoolDownMs?: number | undefined
  /** Deadline of `forceFlush` and `shutdown`, and the default of `flush` and `close`. @default 10000 */
  flushTimeoutMs?: number | undefined
  /** Keeps spans on disk until they are delivered. @default off */
  spool?: SpoolOptions | undefined
  /** Attributes every resource gets, over its own. */
  resourceAttributes?: Attributes | undefined
  /** Attributes a span gets, over its own; asked once per span. */
  mark?: ((span: ReadableSpan) => Attributes | undefined) | undefined
  /** Where log lines go. @default console */
  logger?: Logger | undefined
  /** Values never to be seen in a log line. @default none */
  secrets?: readonly string[] | undefined
  /** Where time comes from. @default the real time */
  clock?: Clock | undefined
  /** Where chance comes from. @default Math.random */
  random?: (() => number) | undefined
}

export interface ResolvedOutboxOptions {
  readonly sender: Sender
  readonly name: string
  readonly maxBytes: number
  readonly maxBatchBytes: number
  readonly maxBatchSpans: number
  readonly minBatchSpans: number
  readonly intervalMs: number
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly maxAttempts: number
  readonly backoff: Readonly<Required<BackoffOptions>>
  readonly breaker: Readonly<Required<BreakerOptions>>
  readonly refusedCoolDownMs: number
  readonly flushTimeoutMs: number
  readonly spool: ResolvedSpoolOptions | undefined
  readonly recordBytes: number
  readonly maxSpanBytes: number
  readonly resourceAttributes: Attributes | undefined
  readonly mark: ((span: ReadableSpan) => Attributes | undefined) | undefined
  readonly logger: Logger
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly random: () => number
}

const MIB = 1024 * 1024
const RECORD_BYTES = MIB / 16

/** Checks the options of an outbox and fills in what is absent. */
export function resolveOutboxOptions(options: OutboxOptions): ResolvedOutboxOptions {
  const maxBytes = atLeast('maxBytes', options.maxBytes, 64 * 1024, 64 * MIB)
  const maxInFlight = atLeast('maxInFlight', options.maxInFlight, 1, 4)
  const wantedBatchBytes = atLeast('maxBatchBytes', options.maxBatchBytes, 1024, 2 * MIB)
  // What is under way must leave half of the memory to what arrives.
  const maxSpanBytes = Math.floor(maxBytes / 2 / maxInFlight)
  const maxBatchBytes = Math.min(
    wantedBatchBytes,
    options.sender.maxBodyBytes ?? wantedBatchBytes,
    maxSpanBytes,
  )
  return Object.freeze({
    sender: options.sender,
    name: options.name ?? 'Langfuse',
    maxBytes,
    maxBatchBytes,
    maxBatchSpans: atLeast('maxBatchSpans', options.maxBatchSpans, 1, 1000),
    minBatchSpans: atLeast('minBatchSpans', options.minBatchSpans, 1, 1),
    intervalMs: atLeast('intervalMs', options.intervalMs, 0, 1000),
    lingerMs: atLeast('lingerMs', options.lingerMs, 0, 100),
    maxInFlight,
    maxAttempts: atLeast('maxAttempts', options.maxAttempts, 1, 10),
    backoff: Object.freeze({
      initialMs: atLeast('backoff.initialMs', options.backoff?.initialMs, 0, 500),
      maxMs: atLeast('backoff.maxMs', options.backoff?.maxMs, 0, 30_000),
    }),
    breaker: Object.freeze({
      failures: atLeast('breaker.failures', options.breaker?.failures, 1, 5),
      coolDownMs: atLeast('breaker.coolDownMs', options.breaker?.coolDownMs, 0, 10_000),
    }),
    refusedCoolDownMs: atLeast('refusedCoolDownMs', options.refusedCoolDownMs, 0, 60_000),
    flushTimeoutMs: atLeast('flushTimeoutMs', options.flushTimeoutMs, 0, 10_000),
    spool: options.spool === undefined ? undefined : resolveSpoolOptions(options.spool, atLeast),
    recordBytes: Math.min(RECORD_BYTES, maxBatchBytes),
    maxSpanBytes,
    resourceAttributes: options.resourceAttributes,
    mark: options.mark,
    logger: options.logger ?? consoleLogger,
    secrets: options.secrets ?? [],
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  })
}

function atLeast(name: string, value: number | undefined, least: number, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && value >= least && value < Number.POSITIVE_INFINITY) return value
  throw invalidOption(name, `a number of at least ${least}`, value)
}
