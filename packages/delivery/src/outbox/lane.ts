import type { Entry, TakeLimits } from '../queue/queue.ts'

/** Where entries to send come from. */
export interface Lane {
  /** When there will be something to send: in the past if now, `Infinity` if nothing is known of. */
  readyAt(): number
  take(limits: TakeLimits): Entry[]
  /** Takes entries back, to be sent again: first, or after all others. */
  giveBack(entries: readonly Entry[], where: 'first' | 'last'): void
  /** Most requests of this lane under way at once. */
  readonly maxInFlight: number
}
