export type BreakerState = 'closed' | 'open' | 'half_open'

export interface BreakerOptions {
  /** Failures in a row after which it opens. @default 5 */
  failures?: number
  /** How long nothing is tried while it is open. @default 10000 */
  coolDownMs?: number
}

/** Decides whether a request may be tried. It holds no timer: who asks brings the time. */
export interface Breaker {
  readonly state: BreakerState
  /** How often it has opened. */
  readonly openings: number
  /** Failures in a row. */
  readonly failures: number
  /** When it opened for the first time since it was last closed. */
  readonly openedAt: number | undefined
  /** When the next request may be tried; `Infinity` while a probe is under way. */
  readyAt(): number
  /** Asks for leave to send; after a cool-down that makes the request the one probe. */
  acquire(now: number): boolean
  /** Gives leave back unused. */
  release(): void
  /** Returns true where that closed it. */
  succeed(): boolean
  /** Returns true where that opened it. */
  fail(now: number): boolean
  /** Opens it whatever the count, for `coolDownMs`. Returns true where it was closed. */
  trip(now: number, coolDownMs: number): boolean
  /** Ends the cool-down. */
  hurry(now: number): void
}

/** Creates a closed breaker. */
export function createBreaker(options: Required<BreakerOptions>): Breaker {
  let state: BreakerState = 'closed'
  let openings = 0
  let failures = 0
  let openedAt: number | undefined
  let until = 0

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
      return open(now, options.coolDownMs)
    },
    trip: open,
    hurry(now) {
      until = Math.min(until, now)
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
