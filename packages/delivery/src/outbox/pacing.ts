import type { Clock } from '../basics/clock.ts'
import type { SendResult } from '../senders/sender.ts'
import { backoffMs } from './backoff.ts'
import type { Breaker } from './breaker.ts'
import type { ResolvedOutboxOptions } from './options.ts'

/** What is worth a log line. */
export interface PacingEvents {
  opened(reason: string): void
  refused(reason: string): void
  closed(downMs: number): void
}

/** When the next request may be sent, and how large it may be. */
export interface Pacing {
  /** When sending is allowed again: in the past if it is now. */
  readyAt(): number
  /** Most bytes of the next request. */
  readonly batchBytes: number
  /** The destination answered. */
  reached(): void
  /** A body was accepted. */
  accepted(): void
  throttled(result: SendResult): void
  failed(result: SendResult, bytes: number): void
  refused(result: SendResult): void
  tooLarge(bytes: number): void
  /** While a flush waits: ends the present wait and keeps later ones short. */
  setHurried(hurried: boolean): void
}

export interface PacingOptions {
  outbox: ResolvedOutboxOptions
  breaker: Breaker
  clock: Clock
  events: PacingEvents
}

const SMALLEST_BATCH = 64 * 1024
const HURRIED_BACKOFF_MS = 1000
const LONGEST_RETRY_AFTER_MS = 10 * 60_000

/** Creates the pacing of a destination. */
export function createPacing({ outbox, breaker, clock, events }: PacingOptions): Pacing {
  let hurried = false
  let pausedUntil = Number.NEGATIVE_INFINITY
  let failures = 0
  let refusedFor: string | undefined
  let ceilingBytes = outbox.maxBatchBytes
  let batchBytes = ceilingBytes

  return {
    readyAt: () => Math.max(pausedUntil, breaker.readyAt()),
    get batchBytes() {
      return breaker.state === 'half_open' ? 0 : batchBytes
    },
    reached,
    accepted() {
      failures = 0
      batchBytes = Math.min(ceilingBytes, batchBytes * 2)
      reached()
    },
    throttled(result) {
      reached()
      pause(result.retryAfterMs)
    },
    failed(result, bytes) {
      if (result.timedOut) batchBytes = Math.min(batchBytes, Math.max(SMALLEST_BATCH, bytes >> 1))
      pause(result.retryAfterMs)
      if (breaker.fail(clock.now())) events.opened(result.reason ?? result.outcome)
    },
    refused(result) {
      const reason = result.reason ?? result.outcome
      breaker.trip(clock.now(), outbox.refusedCoolDownMs)
      if (refusedFor !== reason) events.refused(reason)
      refusedFor = reason
    },
    tooLarge(bytes) {
      reached()
      ceilingBytes = Math.min(ceilingBytes, Math.max(SMALLEST_BATCH, bytes >> 1))
      batchBytes = Math.min(batchBytes, ceilingBytes)
    },
    setHurried(value) {
      hurried = value
      if (!hurried) return
      pausedUntil = Math.min(pausedUntil, clock.now())
      breaker.hurry(clock.now())
    },
  }

  function reached(): void {
    const { openedAt } = breaker
    if (!breaker.succeed() || openedAt === undefined) return
    refusedFor = undefined
    events.closed(clock.now() - openedAt)
  }

  /** Requests that failed side by side count as one failure. */
  function pause(retryAfterMs: number | undefined): void {
    const now = clock.now()
    if (now < pausedUntil && retryAfterMs === undefined) return
    failures += 1
    const { initialMs, maxMs } = outbox.backoff
    const longest = hurried ? Math.min(maxMs, HURRIED_BACKOFF_MS) : maxMs
    const wait = retryAfterMs ?? backoffMs(failures, { initialMs, maxMs: longest }, outbox.random)
    pausedUntil = Math.max(pausedUntil, now + Math.min(wait, LONGEST_RETRY_AFTER_MS))
  }
}
