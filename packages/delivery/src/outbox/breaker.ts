export type BreakerState = 'closed' | 'open' | 'half_open'

export interface BreakerOptions {
  /** Consecutive failures after which the breaker opens. @default 5 */
  failures?: number
  /** How long nothing is sent while the breaker is open, in milliseconds. @default 10000 */
  coolDownMs?: number
}

/** Circuit breaker: decides whether a request may be sent. Has no timer; callers pass the current time. */
export interface Breaker {
  readonly state: BreakerState
  /** How often it has opened. */
  readonly openings: number
  /** Consecutive failures. */
  readonly failures: number
  /** When it opened for the first time since it was last closed. */
  readonly openedAt: number | undefined
  /** When the next request may be sent; `Infinity` while a probe is in flight. */
  readyAt(): number
  /** Acquires permission to send; after a cool-down this makes the request the single probe. */
  acquire(now: number): boolean
  /** Releases an unused permit. */
  release(): void
  /** Records a success. Returns true if that closed the breaker. */
  succeed(): boolean
  /** Records a failure. Returns true if that opened the breaker. */
  fail(now: number): boolean
  /** Opens the breaker for `coolDownMs`, whatever the count. Returns true if it was closed. */
  trip(now: number, coolDownMs: number): boolean
  /** Shortens the cool-down so that it ends at `until`. A cool-down that `trip` set is left alone. */
  shorten(until: number): void
}

/** Creates a closed breaker. */
export function createBreaker(options: Required<BreakerOptions>): Breaker {
  let state: BreakerState = 'closed'
  let openings = 0
  let failures = 0
  let openedAt: number | undefined
  let until = 0
  let tripped = false

  return {
    get state() {
      return state
    },
    get openings() {
      return openings
    },
    get failures() {
      return failures
    },
    get openedAt() {
      return openedAt
    },
    readyAt() {
      if (state === 'closed') return Number.NEGATIVE_INFINITY
      return state === 'open' ? until : Number.POSITIVE_INFINITY
    },
    acquire(now) {
      if (state === 'closed') return true
      if (state === 'half_open' || now < until) return false
      state = 'half_open'
      return true
    },
    release() {
      if (state === 'half_open') state = 'open'
    },
    succeed() {
      const closing = state !== 'closed'
      state = 'closed'
      failures = 0
      openedAt = undefined
      return closing
    },
    fail(now) {
      failures += 1
      if (state === 'closed' && failures < options.failures) return false
      // A request sent before the breaker opened says nothing new.
      if (state === 'open') return false
      tripped = false
      return open(now, options.coolDownMs)
    },
    trip(now, coolDownMs) {
      tripped = true
      return open(now, coolDownMs)
    },
    shorten(at) {
      if (!tripped) until = Math.min(until, at)
    },
  }

  function open(now: number, coolDownMs: number): boolean {
    const opening = state === 'closed'
    state = 'open'
    until = now + coolDownMs
    if (opening) {
      openings += 1
      openedAt = now
    }
    return opening
  }
}
