import { withGetters } from '../basics/with-getters.ts'
import type { Ledger } from '../queue/ledger.ts'
import { finishEntry } from '../queue/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { LiveLane } from './live-lane.ts'
import type { ReplayLane } from './replay-lane.ts'
import type { SuspectLane } from './suspect-lane.ts'

/** The memory of an outbox. */
export interface Memory {
  readonly bytes: number
  /** Frees memory until the bound holds: the oldest records are left to the disk if they are there, and dropped otherwise. */
  enforce(): void
}

export interface MemoryParts {
  /** Most bytes to use, with room for one record to come. */
  limit: number
  ledger: Ledger
  live: LiveLane
  suspects: SuspectLane
  replay: ReplayLane | undefined
  spool: Spool | undefined
  dispatcher: Dispatcher
}

/** Creates the bound on what the parts of an outbox hold. */
export function createMemory({
  limit,
  ledger,
  live,
  suspects,
  replay,
  spool,
  dispatcher,
}: MemoryParts): Memory {
  return withGetters({
    get bytes() {
      return bytes()
    },
    enforce() {
      while (bytes() > limit) {
        const oldest = live.takeOldest() ?? suspects.takeOldest()
        if (oldest === undefined) {
          if (!live.dropOldestItem()) return
        } else if (oldest.place?.unload(oldest) !== true) {
          ledger.drop(oldest, 'memory_full')
          finishEntry(oldest)
        }
      }
    },
  })

  function bytes(): number {
    return live.bytes + suspects.bytes + dispatcher.bytes + (spool?.pendingBytes ?? 0) + (replay?.bytes ?? 0)
  }
}
