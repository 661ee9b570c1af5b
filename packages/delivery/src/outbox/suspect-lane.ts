import type { Clock } from '../basics/clock.ts'
import { withGetters } from '../basics/with-getters.ts'
import { type Entry, sizeOfEntry } from '../queue/queue.ts'
import { backoffMs } from './backoff.ts'
import type { Lane } from './lane.ts'
import type { ResolvedOutboxOptions } from './options.ts'
import type { Pacing } from './pacing.ts'

/** Entries that failed repeatedly: each is sent alone, one at a time, after a wait of its own. */
export interface SuspectLane extends Lane {
  /** Memory that its entries take. */
  readonly bytes: number
  /** Takes entries that failed; the wait grows with their lone failures. */
  add(entries: readonly Entry[]): void
  entries(): readonly Entry[]
  /** Removes and returns the entry that came first. */
  takeOldest(): Entry | undefined
}

const PATIENCE_MS = 5000

/** Creates an empty suspect lane. */
export function createSuspectLane(
  { backoff, random }: Pick<ResolvedOutboxOptions, 'backoff' | 'random'>,
  clock: Clock,
  pacing: Pick<Pacing, 'acceptedRequests'>,
): SuspectLane {
  const notBefore = new Map<Entry, number>()
  let bytes = 0

  return withGetters({
    maxInFlight: 1,
    isSuspect: true,
    get bytes() {
      return bytes
    },
    readyAt() {
      let earliest = Number.POSITIVE_INFINITY
      for (const entry of notBefore.keys()) earliest = Math.min(earliest, timeOf(entry))
      return earliest
    },
    take() {
      const now = clock.now()
      for (const entry of notBefore.keys()) if (timeOf(entry) <= now) return [remove(entry)]
      return []
    },
    giveBack: add,
    add,
    entries: () => [...notBefore.keys()],
    takeOldest() {
      const [oldest] = notBefore.keys()
      return oldest && remove(oldest)
    },
  })

  /** Unless something else was accepted in the meantime, another failure would tell nothing new. */
  function timeOf(entry: Entry): number {
    const patience = entry.acceptedBefore === pacing.acceptedRequests ? PATIENCE_MS : 0
    return notBefore.get(entry)! + patience
  }

  function add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { loneFailures } = entry
      const wait = loneFailures === 0 ? 0 : backoffMs(loneFailures, backoff, random)
      notBefore.set(entry, clock.now() + wait)
      bytes += sizeOfEntry(entry)
    }
  }

  function remove(entry: Entry): Entry {
    notBefore.delete(entry)
    bytes -= sizeOfEntry(entry)
    return entry
  }
}
