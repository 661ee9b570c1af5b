import { join } from 'node:path'
import type { Holding, Ledger } from '../queue/ledger.ts'
import type { Place } from '../queue/queue.ts'

/** A file of records, and what became of each. */
export interface Segment {
  readonly directory: string
  readonly path: string
  /** Bytes of whole records in it. */
  bytes: number
  /** The highest sequence number in it. */
  readonly last: number
  /** The lowest that is not settled. */
  readonly cursor: number
  /** Records that are on disk only. */
  readonly waiting: number
  /** True where nothing in it is needed any more. */
  readonly isSettled: boolean
  /** Notes a record whose spans are on disk only. */
  add(sequence: number, spans: number): void
  /** Notes that a record is in memory as well, as `holding`. */
  hold(sequence: number, holding: Holding): Place
  /** Says whether a record is on disk only and still to be sent. */
  wants(sequence: number): boolean
  /** Gives up the records up to `last` that are on disk only: they cannot be read. */
  lose(last: number): void
  /** Gives up every record that is on disk only; those in memory go on without a copy. */
  abandon(cause: 'spool_full' | 'spool_corrupt'): void
}

export interface SegmentOptions {
  directory: string
  name: string
  ledger: Ledger
  /** Called when fewer records are needed than before. */
  onProgress: (segment: Segment) => void
}

/** Creates a segment without records. */
export function createSegment({ directory, name, ledger, onProgress }: SegmentOptions): Segment {
  const spansOf = new Map<number, number>()
  const places = new Map<number, Place>()
  let last = 0
  let abandoned = false

  const segment: Segment = {
    directory,
    path: join(directory, name),
    bytes: 0,
    get last() {
      return last
    },
    get cursor() {
      let lowest = Number.POSITIVE_INFINITY
      for (const sequence of spansOf.keys()) lowest = Math.min(lowest, sequence)
      return lowest
    },
    get waiting() {
      return spansOf.size - places.size
    },
    get isSettled() {
      return spansOf.size === 0
    },
    add(sequence, spans) {
      spansOf.set(sequence, spans)
      last = Math.max(last, sequence)
    },
    hold(sequence, holding) {
      const place = createPlace(sequence, holding)
      places.set(sequence, place)
      return place
    },
    wants: sequence => spansOf.has(sequence) && !places.has(sequence),
    lose(upTo) {
      for (const [sequence, spans] of spansOf) {
        if (sequence > upTo || places.has(sequence)) continue
        ledger.drop({ spans, order: 0, onDisk: true }, 'spool_corrupt')
        spansOf.delete(sequence)
      }
      onProgress(segment)
    },
    abandon(cause) {
      abandoned = true
      for (const [sequence, spans] of spansOf) {
        const place = places.get(sequence)
        if (place === undefined) ledger.drop({ spans, order: 0, onDisk: true }, cause)
        else for (const holding of place.holdings) ledger.setOnDisk(holding, false)
      }
      spansOf.clear()
      places.clear()
    },
  }
  return segment

  function createPlace(sequence: number, whole: Holding): Place {
    const holdings = new Set<Holding>([whole])
    return {
      holdings,
      settle(holding) {
        if (!holdings.delete(holding) || holdings.size > 0 || abandoned) return
        places.delete(sequence)
        spansOf.delete(sequence)
        onProgress(segment)
      },
      release(holding) {
        // A piece of a record cannot be read again without the others.
        if (abandoned || !holdings.has(holding) || holding.spans !== spansOf.get(sequence)) return false
        places.delete(sequence)
        return true
      },
    }
  }
}
