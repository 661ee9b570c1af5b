import type { Clock } from '../basics/clock.ts'
import { createQueue } from '../queue/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Lane } from './lane.ts'
import type { ResolvedOutboxOptions } from './options.ts'

export interface ReplayLaneOptions {
  outbox: ResolvedOutboxOptions
  spool: Spool
  clock: Clock
  /** Called when there may be something to send. */
  changed: () => void
}

/** Creates the lane of what lies on disk: oldest first, at a bounded rate, on at most half of the connections. */
export function createReplayLane({ outbox, spool, clock, changed }: ReplayLaneOptions): Lane {
  const bytesPerMs = outbox.spool!.replayBytesPerSecond / 1000
  const queue = createQueue()
  let reading = false
  let nextAt = Number.NEGATIVE_INFINITY

  return {
    maxInFlight: Math.max(1, outbox.maxInFlight >> 1),
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
    giveBack(entries, where) {
      if (where === 'first') queue.putBack(entries)
      else for (const entry of entries) queue.push(entry)
    },
  }

  function read(): void {
    if (reading || !spool.hasBacklog) return
    reading = true
    void spool.read().then(entries => {
      reading = false
      for (const entry of entries) queue.push(entry)
      if (entries.length > 0 || spool.hasBacklog) changed()
    })
  }
}
