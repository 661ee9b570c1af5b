import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import {
  atLeast,
  type Check,
  callback,
  integer,
  invalid,
  isRecord,
  listOf,
  milliseconds,
  text,
  withMethods,
} from '../basics/checks.ts'
import { type Clock, systemClock } from '../basics/clock.ts'
import type { Logger } from '../basics/logger.ts'
import { group, type OptionTable, resolveTable } from '../basics/option-table.ts'
import type { Sender } from '../senders/sender.ts'
import {
  type ResolvedSpoolOptions,
  resolveSpoolOptions,
  SPOOL_OPTIONS,
  type SpoolOptions,
} from '../spool/options.ts'
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

export interface ResolvedOutboxOptions extends Checked {
  /** Bytes of one encoded record. */
  readonly recordBytes: number
  readonly maxSpanBytes: number
}

interface Checked {
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
  readonly resourceAttributes: Attributes | undefined
  readonly mark: ((span: ReadableSpan) => Attributes | undefined) | undefined
  readonly logger: Logger
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly random: () => number
}

const MIB = 1024 * 1024
const RECORD_BYTES = MIB / 16

const sender: Check<Sender> = (path, value) => {
  const { send, identity } = (isRecord(value) ? value : {}) as Partial<Sender>
  if (typeof send === 'function' && typeof identity === 'string') return value as Sender
  return invalid(path, 'a sender, such as createLangfuseSender() returns', value)
}

const attributes: Check<Attributes> = (path, value) =>
  isRecord(value) ? (value as Attributes) : invalid(path, 'an object', value)

const BACKOFF_OPTIONS: OptionTable<BackoffOptions> = {
  initialMs: { check: milliseconds(0), default: 500 },
  maxMs: { check: milliseconds(0), default: 30_000 },
}

const BREAKER_OPTIONS: OptionTable<BreakerOptions> = {
  failures: { check: integer(1), default: 5 },
  coolDownMs: { check: milliseconds(0), default: 10_000 },
}

/** Every option of an outbox. */
export const OUTBOX_OPTIONS: OptionTable<OutboxOptions, Checked> = {
  sender: { check: sender },
  name: { check: text(), default: 'Langfuse' },
  maxBytes: { check: atLeast(64 * 1024), default: 64 * MIB },
  maxBatchBytes: { check: atLeast(1024), default: 2 * MIB },
  maxBatchSpans: { check: integer(1), default: 1000 },
  minBatchSpans: { check: atLeast(1), default: 1 },
  intervalMs: { check: milliseconds(0), default: 1000 },
  lingerMs: { check: milliseconds(0), default: 100 },
  maxInFlight: { check: integer(1), default: 4 },
  maxAttempts: { check: integer(1), default: 10 },
  backoff: group<BackoffOptions, Required<BackoffOptions>>(BACKOFF_OPTIONS),
  breaker: group<BreakerOptions, Required<BreakerOptions>>(BREAKER_OPTIONS),
  refusedCoolDownMs: { check: milliseconds(0), default: 60_000 },
  flushTimeoutMs: { check: milliseconds(0), default: 10_000 },
  spool: { check: resolveSpoolOptions, default: undefined, group: SPOOL_OPTIONS },
  resourceAttributes: { check: attributes, default: undefined },
  mark: { check: callback(), default: undefined },
  logger: { check: withMethods<Logger>('info', 'warn', 'error'), default: globalThis.console },
  secrets: { check: listOf(text()), default: [] },
  clock: { check: withMethods<Clock>('now', 'after'), default: systemClock },
  random: { check: callback<() => number>(), default: Math.random },
}

/** Checks the options of an outbox and fills in what is absent. */
export function resolveOutboxOptions(options: OutboxOptions): ResolvedOutboxOptions {
  const checked = resolveTable<OutboxOptions, Checked, never>('', options, OUTBOX_OPTIONS)
  const { maxBytes, sender } = checked
  const maxSpanBytes = Math.floor(maxBytes / 8)
  const maxBatchBytes = Math.min(
    checked.maxBatchBytes,
    sender.maxBodyBytes ?? Number.POSITIVE_INFINITY,
    maxSpanBytes,
  )
  return Object.freeze({
    ...checked,
    maxBatchBytes,
    recordBytes: Math.min(RECORD_BYTES, maxBatchBytes),
    maxSpanBytes,
  })
}
