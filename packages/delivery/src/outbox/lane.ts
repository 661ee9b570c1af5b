import type { Entry, TakeLimits } from '../queue/queue.ts'

/** A source of entries to send. */
export interface Lane {
  /** When there will be something to send: in the past if now, `Infinity` if nothing is known of. */
  readyAt(): number
  take(limits: TakeLimits): Entry[]
  /** Takes entries back, to be sent again before the others. */
  giveBack(entries: readonly Entry[]): void
  /** Most requests of this lane in flight at once. */
  readonly maxInFlight: number
  /** True if its entries must not be used to probe a destination in trouble while another lane has any. */
  readonly isSuspect?: boolean
}

/** A request in flight, or answered. */
export interface LaneRequest {
  readonly lane: Lane
  readonly entries: readonly Entry[]
  /** Number of requests accepted when it was sent. */
  readonly acceptedBefore: number
  /** True for the single request that an open breaker lets through. */
  readonly isProbe: boolean
}
