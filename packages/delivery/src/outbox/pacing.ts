import type { Clock } from '../basics/clock.ts'
import type { SendResult } from '../senders/sender.ts'
import { backoffMs } from './backoff.ts'
import type { Breaker } from './breaker.ts'
import type { ResolvedOutboxOptions } from './options.ts'

/** Changes of the destination's state, for log lines. */
export interface PacingEvents {
  opened(reason: string): void
  refused(reason: string): void
  closed(downMs: number): void
}

/** Decides when the next request may be sent, and how large it may be. */
export interface Pacing {
  /** When sending is allowed again: in the past if it is now. */
  readyAt(): number
  /** Largest size of the next request, in bytes. */
  readonly batchBytes: number
  /** Number of requests accepted. */
  readonly acceptedRequests: number
  /** True while the destination refuses keys or address. */
  readonly isRefused: boolean
  /** The destination answered, but did not accept. */
  reached(): void
  /** A body was accepted. */
  accepted(): void
  throttled(result: SendResult): void
  failed(result: SendResult, bytes: number): void
  refused(result: SendResult): void
  /** A body of several spans was too large. */
  tooLarge(bytes: number): void
  /** While a flush waits: shortens waits that the destination did not ask for, to one request a second. */
  setHurried(hurried: boolean): void
  /**
   * True if an attempt at or after `since` found nobody there, and nobody was there before: the destination was never reached, or not for
   * a while. Waiting for it at the exit of a process is in vain.
   */
  isAwaySince(since: number): boolean
}

export interface PacingOptions {
  outbox: ResolvedOutboxOptions
  breaker: Breaker
  clock: Clock
  events: PacingEvents
}

const SMALLEST_BATCH = 64 * 1024
const HURRIED_PAUSE_MS = 1000
const LONGEST_RETRY_AFTER_MS = 10 * 60_000
const AWAY_MS = 5000
const RAISE_LIMIT_AFTER = 50

/** Creates the pacing of a destination. */
export function createPacing({ outbox, breaker, clock, events }: PacingOptions): Pacing {
  let hurried = false
  let pausedUntil = Number.NEGATIVE_INFINITY
  let askedToWaitUntil = Number.NEGATIVE_INFINITY
  let failures = 0
  let acceptedRequests = 0
  let lastFailureAt = Number.NEGATIVE_INFINITY
  let awayFrom: number | undefined
  let everReached = false
  let refusedFor: string | undefined
  const size = createBatchSize(outbox.maxBatchBytes)

  return {
    readyAt: () => Math.max(pausedUntil, askedToWaitUntil, breaker.readyAt()),
    get batchBytes() {
      return breaker.state === 'half_open' ? 0 : size.bytes
    },
    get acceptedRequests() {
      return acceptedRequests
    },
    get isRefused() {
      return refusedFor !== undefined
    },
    reached,
    accepted() {
      acceptedRequests += 1
      failures = 0
      size.grow()
      reached()
    },
    throttled(result) {
      reached()
      pause(result.retryAfterMs)
    },
    failed(result, bytes) {
      const now = clock.now()
      if (result.timedOut) size.halve(bytes)
      if (result.outcome === 'unreachable') awayFrom ??= now
      else answered()
      pause(result.retryAfterMs)
      lastFailureAt = now
      if (breaker.fail(now)) events.opened(result.reason ?? result.outcome)
      if (hurried) hurry()
    },
    refused(result) {
      const reason = result.reason ?? result.outcome
      answered()
      breaker.trip(clock.now(), outbox.refusedCoolDownMs)
      if (refusedFor !== reason) events.refused(reason)
      refusedFor = reason
    },
    tooLarge(bytes) {
      reached()
      size.limit(bytes)
    },
    setHurried(value) {
      hurried = value
      if (hurried) hurry()
    },
    isAwaySince(since) {
      if (awayFrom === undefined || lastFailureAt < since) return false
      return !everReached || lastFailureAt - awayFrom >= AWAY_MS
    },
  }

  function answered(): void {
    everReached = true
    awayFrom = undefined
  }

  function reached(): void {
    answered()
    const { openedAt } = breaker
    if (!breaker.succeed() || openedAt === undefined) return
    refusedFor = undefined
    events.closed(clock.now() - openedAt)
  }

  /** However many flushes ask for it, a destination in trouble gets one request a second. */
  function hurry(): void {
    const soonest = Math.max(clock.now(), lastFailureAt + HURRIED_PAUSE_MS)
    pausedUntil = Math.min(pausedUntil, soonest)
    breaker.shorten(soonest)
  }

  /** Requests that failed side by side count as one failure. */
  function pause(retryAfterMs = 0): void {
    const now = clock.now()
    askedToWaitUntil = Math.max(askedToWaitUntil, now + Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS))
    if (now < pausedUntil) return
    failures += 1
    pausedUntil = now + backoffMs(failures, outbox.backoff, outbox.random)
  }
}

/** The size of batches: halved by timeouts, limited by "too large", and raised again by success. */
function createBatchSize(most: number) {
  let ceiling = most
  let bytes = most
  let acceptedInARow = 0

  return {
    get bytes() {
      return bytes
    },
    halve(sent: number): void {
      bytes = Math.min(bytes, Math.max(SMALLEST_BATCH, sent >> 1))
    },
    limit(sent: number): void {
      acceptedInARow = 0
      ceiling = Math.min(ceiling, Math.max(SMALLEST_BATCH, sent >> 1))
      bytes = Math.min(bytes, ceiling)
    },
    grow(): void {
      acceptedInARow += 1
      // The limit may have been one of a proxy that is gone, or of a single route.
      if (acceptedInARow % RAISE_LIMIT_AFTER === 0) ceiling = Math.min(most, ceiling * 2)
      bytes = Math.min(ceiling, bytes * 2)
    },
  }
}
