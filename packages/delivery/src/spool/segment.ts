import { join } from 'node:path'
import type { Holding, Ledger } from '../queue/ledger.ts'
import type { Place } from '../queue/queue.ts'

/** A record in a segment file. */
interface RecordLocation {
  readonly sequence: number
  readonly spans: number
  /** Place in the order of arrival. */
  readonly order: number
  /** Where it begins in the file. */
  readonly offset: number
  /** Size of its content. */
  readonly length: number
}

/** A record that is on disk only. */
interface StoredRecord extends RecordLocation {
  readonly index: number
}

/** A file of records, and what became of each. */
export interface Segment {
  readonly directory: string
  readonly path: string
  /** Size of the file up to its last whole record. */
  bytes: number
  /** The highest sequence number in it. */
  readonly last: number
  /** The lowest sequence number that is still needed. */
  readonly cursor: number
  /** Number of records that are on disk only. */
  readonly waiting: number
  /** True if nothing in it is needed any more. */
  readonly isDone: boolean
  /** Adds a record whose spans are on disk only, and returns its index. */
  add(record: RecordLocation): number
  /** Notes that a record is in memory as well, as `holding`. */
  hold(index: number, holding: Holding): Place
  /** The first records that are on disk only, of at most `maxBytes` together. */
  stored(maxBytes: number): StoredRecord[]
  /** True if a record is still needed and on disk only. */
  isStored(index: number): boolean
  /** Drops a record that is on disk only and cannot be read. */
  lose(index: number): void
  /** Drops every record that is on disk only; those in memory go on without a copy. */
  abandon(cause: 'spool_full' | 'spool_corrupt' | 'spool_lost'): void
}

export interface SegmentOptions {
  directory: string
  name: string
  ledger: Ledger
  /** Called when fewer records are needed than before. */
  onProgress: (segment: Segment) => void
}

const STORED = 0
const IN_MEMORY = 1
const DONE = 2

/** Creates a segment without records. */
export function createSegment({ directory, name, ledger, onProgress }: SegmentOptions): Segment {
  // Lists of numbers: an object for each record would take four times the memory.
  const columns = {
    sequence: [] as number[],
    spans: [] as number[],
    order: [] as number[],
    offset: [] as number[],
    length: [] as number[],
    state: [] as number[],
  }
  const places = new Map<number, Set<Holding>>()
  let last = 0
  let stored = 0
  let firstNeeded = 0
  let abandoned = false

  const segment: Segment = {
    directory,
    path: join(directory, name),
    bytes: 0,
    get last() {
      return last
    },
    get cursor() {
      skipDone()
      let lowest = Number.POSITIVE_INFINITY
      for (let index = firstNeeded; index < columns.state.length; index++)
        if (columns.state[index] !== DONE) lowest = Math.min(lowest, columns.sequence[index]!)
      return lowest
    },
    get waiting() {
      return stored
    },
    get isDone() {
      skipDone()
      return firstNeeded === columns.state.length
    },
    add({ sequence, spans, order, offset, length }) {
      last = Math.max(last, sequence)
      stored += 1
      columns.sequence.push(sequence)
      columns.spans.push(spans)
      columns.order.push(order)
      columns.offset.push(offset)
      columns.length.push(length)
      return columns.state.push(STORED) - 1
    },
    hold(index, holding) {
      const holdings = new Set([holding])
      setState(index, IN_MEMORY)
      places.set(index, holdings)
      return createPlace(index, holdings)
    },
    stored(maxBytes) {
      skipDone()
      const found: StoredRecord[] = []
      let bytes = 0
      for (let index = firstNeeded; index < columns.state.length; index++) {
        if (columns.state[index] !== STORED) continue
        bytes += columns.length[index]!
        if (found.length > 0 && bytes > maxBytes) break
        found.push(recordAt(index))
      }
      return found
    },
    isStored: index => columns.state[index] === STORED,
    lose(index) {
      if (columns.state[index] !== STORED) return
      drop(index, 'spool_corrupt')
      onProgress(segment)
    },
    abandon(cause) {
      abandoned = true
      for (const [index, state] of columns.state.entries()) if (state === STORED) drop(index, cause)
      for (const holdings of places.values()) for (const holding of holdings) ledger.setOnDisk(holding, false)
      for (const index of places.keys()) setState(index, DONE)
      places.clear()
    },
  }
  return segment

  function createPlace(index: number, holdings: Set<Holding>): Place {
    return {
      holdings,
      discard(holding) {
        if (!holdings.delete(holding) || holdings.size > 0 || abandoned) return
        places.delete(index)
        setState(index, DONE)
        onProgress(segment)
      },
      unload(holding) {
        // A piece of a record cannot be read again without the others.
        if (abandoned || !holdings.has(holding) || holding.spans !== columns.spans[index]) return false
        places.delete(index)
        setState(index, STORED)
        return true
      },
    }
  }

  function recordAt(index: number): StoredRecord {
    return {
      index,
      sequence: columns.sequence[index]!,
      spans: columns.spans[index]!,
      order: columns.order[index]!,
      offset: columns.offset[index]!,
      length: columns.length[index]!,
    }
  }

  function drop(index: number, cause: 'spool_full' | 'spool_corrupt' | 'spool_lost'): void {
    setState(index, DONE)
    ledger.drop({ spans: columns.spans[index]!, order: columns.order[index]!, onDisk: true }, cause)
  }

  function setState(index: number, state: number): void {
    if (columns.state[index] === STORED) stored -= 1
    if (state === STORED) stored += 1
    columns.state[index] = state
  }

  function skipDone(): void {
    while (columns.state[firstNeeded] === DONE) firstNeeded += 1
  }
}
