import type { Clock } from '../basics/clock.ts'
import { withGetters } from '../basics/with-getters.ts'
import { createQueue } from '../queue/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Lane } from './lane.ts'
import type { ResolvedOutboxOptions } from './options.ts'

/** Spooled records that are read back to be sent. */
export interface ReplayLane extends Lane {
  /** Memory that records read from disk take. */
  readonly bytes: number
}

export interface ReplayLaneOptions {
  outbox: ResolvedOutboxOptions
  spool: Spool
  clock: Clock
  /** Called when there may be something to send. */
  changed: () => void
}

const LONGEST_READ_BYTES = 4 * 1024 * 1024

/** Creates the replay lane: spooled records, oldest first, rate-limited, using at most half of `maxInFlight`. */
export function createReplayLane({ outbox, spool, clock, changed }: ReplayLaneOptions): ReplayLane {
  const bytesPerMs = outbox.spool!.replayBytesPerSecond / 1000
  const maxReadBytes = Math.min(LONGEST_READ_BYTES, outbox.maxBytes / 8)
  const queue = createQueue()
  let reading = false
  let nextAt = Number.NEGATIVE_INFINITY

  return withGetters({
    maxInFlight: Math.max(1, outbox.maxInFlight >> 1),
    get bytes() {
      return queue.bytes
    },
    readyAt() {
      if (queue.length > 0) return nextAt
      read()
      return Number.POSITIVE_INFINITY
    },
    take(limits) {
      const before = queue.bytes
      const entries = queue.take(limits)
      nextAt = Math.max(clock.now(), nextAt) + (before - queue.bytes) / bytesPerMs
      return entries
    },
    giveBack: queue.putBack,
  })

  function read(): void {
    if (reading || !spool.hasBacklog) return
    reading = true
    void spool.read(maxReadBytes).then(entries => {
      reading = false
      for (const entry of entries) queue.push(entry)
      if (entries.length > 0 || spool.hasBacklog) changed()
    })
  }
}
