import { withGetters } from '../basics/with-getters.ts'
import type { EncodedRecord } from '../wire/record-builder.ts'
import type { Holding } from './ledger.ts'

/** A record on its way. */
export interface Entry extends EncodedRecord, Holding {
  /** When its first span arrived. */
  since: number
  /** Times it was sent and failed. */
  attempts: number
  /** Entries of different groups are not sent together; most are of group 0. */
  group: number
  /** Where its copy on disk is. */
  place?: Place | undefined
}

/** A record on disk, as those see it who hold its spans in memory. */
export interface Place {
  /** What stands for the record in memory: the record, or the pieces it was cut into. */
  readonly holdings: Set<Holding>
  /** `holding` needs its copy no longer: it is delivered or given up. */
  settle(holding: Holding): void
  /** `holding` leaves memory, to be read again later. Returns false where that cannot be. */
  release(holding: Holding): boolean
}

export interface TakeLimits {
  bytes: number
  spans: number
}

/** Entries in order of arrival. */
export interface Queue {
  readonly length: number
  readonly spans: number
  readonly bytes: number
  /** The oldest. */
  peek(): Entry | undefined
  push(entry: Entry): void
  /** Puts entries back where they were, before all that arrived after them. */
  putBack(entries: readonly Entry[]): void
  /** Takes the oldest that may travel together: at least one, then as many as fit. */
  take(limits: TakeLimits): Entry[]
}

const COMPACT_AT = 1024

/** Creates an empty queue. */
export function createQueue(): Queue {
  // What was taken leaves a hole, so that it is not kept alive until the list is next shortened.
  let entries: (Entry | undefined)[] = []
  let head = 0
  let spans = 0
  let bytes = 0

  return withGetters({
    get length() {
      return entries.length - head
    },
    get spans() {
      return spans
    },
    get bytes() {
      return bytes
    },
    peek: () => entries[head],
    push(entry) {
      entries.push(entry)
      count(entry, 1)
    },
    putBack(list) {
      const [first] = list
      if (first === undefined) return
      let at = head
      while (at < entries.length && entries[at]!.order < first.order) at += 1
      entries = [...entries.slice(head, at), ...list, ...entries.slice(at)]
      head = 0
      for (const entry of list) count(entry, 1)
    },
    take(limits) {
      const taken: Entry[] = []
      const room = { ...limits }
      for (let next = entries[head]; next !== undefined; next = entries[head]) {
        const [first] = taken
        if (first && (next.group !== first.group || next.attempts > 0 || first.attempts > 0)) break
        if (first && (next.body.length > room.bytes || next.spans > room.spans)) break
        room.bytes -= next.body.length
        room.spans -= next.spans
        taken.push(next)
        count(next, -1)
        entries[head++] = undefined
      }
      if (head > COMPACT_AT && head * 2 > entries.length) {
        entries = entries.slice(head)
        head = 0
      }
      return taken
    },
  })

  function count(entry: Entry, sign: 1 | -1): void {
    spans += sign * entry.spans
    bytes += sign * entry.body.length
  }
}
