import type { Clock } from '../basics/clock.ts'
import { withGetters } from '../basics/with-getters.ts'
import type { Ledger } from '../queue/ledger.ts'
import { createQueue, type Entry, newEntry } from '../queue/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { EncodedRecord, RecordBuilder } from '../wire/record-builder.ts'
import { createIntake } from './intake.ts'
import type { Lane } from './lane.ts'
import type { ResolvedOutboxOptions } from './options.ts'

/** What arrives now, on its way from the intake, through the spool if there is one, to the dispatcher. */
export interface LiveLane<Item = unknown> extends Lane {
  /** Takes items without waiting for anything. */
  add(items: readonly Item[]): void
  /** Memory that everything in it takes, except what the spool is writing. */
  readonly bytes: number
  /** Closed records that wait to be sent. */
  entries(): readonly Entry[]
  /** Removes and returns the oldest closed record. */
  takeOldest(): Entry | undefined
  /** Drops the oldest item that is not yet encoded. Returns false if there is none. */
  dropOldestItem(): boolean
  /** While a flush waits, nothing is held back for batching. */
  setFlushing(flushing: boolean): void
  /** Closes the open record: at once, or when its promise resolves. */
  drain(): Promise<void> | undefined
  /** Encodes everything now, without the spool. For the exit of a process. */
  finish(): void
}

export interface LiveLaneOptions<Item> {
  outbox: ResolvedOutboxOptions
  builder: RecordBuilder<Item>
  ledger: Ledger
  spool: Spool | undefined
  clock: Clock
  /** Runs what no request should be the async context of. */
  detached: <T>(run: () => T) => T
  /** Called when more memory is used than before. */
  grown: () => void
  /** Called when there may be something to send. */
  changed: () => void
}

const SLICE_MS = { least: 2, most: 6 }

/** Creates the lane of what arrives. */
export function createLiveLane<Item>(options: LiveLaneOptions<Item>): LiveLane<Item> {
  const { outbox, ledger, spool, clock, detached, grown, changed } = options
  const { minBatchSpans, maxBatchSpans, maxBatchBytes } = outbox
  const queue = createQueue()
  const intake = createIntake({
    builder: options.builder,
    recordBytes: outbox.recordBytes,
    recordSpans: maxBatchSpans,
    sliceMs: SLICE_MS,
    now: clock.now,
    onRecord: (record, since) => detached(() => store(record, since)),
    onDrop: (spans, cause) => ledger.drop({ spans, order: ledger.order, onDisk: false }, cause),
    onDeferred: grown,
    onCaughtUp() {
      if (spool !== undefined) intake.seal()
      changed()
    },
  })
  let flushing = false
  let finishing = false

  return withGetters({
    maxInFlight: outbox.maxInFlight,
    get bytes() {
      return intake.bytes + queue.bytes
    },
    add(items) {
      const before = intake.spans
      intake.add(items)
      arrived(before)
    },
    entries: queue.entries,
    takeOldest: () => queue.take({ bytes: 0, spans: 0 })[0],
    dropOldestItem: intake.dropOldest,
    setFlushing(value) {
      flushing = value
    },
    drain: () => detached(intake.drain),
    finish() {
      finishing = true
      intake.finish()
    },
    readyAt() {
      const open = spool === undefined ? intake.encoded : 0
      const spans = queue.spans + open
      if (spans === 0) return Number.POSITIVE_INFINITY
      const bytes = queue.bytes + (open > 0 ? intake.bytes : 0)
      if (flushing || spans >= maxBatchSpans || bytes >= maxBatchBytes) return Number.NEGATIVE_INFINITY
      const since = queue.peek()?.since ?? intake.since
      return since + Math.min(outbox.intervalMs, spans >= minBatchSpans ? outbox.lingerMs : outbox.intervalMs)
    },
    take(limits) {
      const hasRoom = queue.length === 0 || (queue.spans < limits.spans && queue.bytes < limits.bytes)
      if (spool === undefined && hasRoom) intake.seal()
      return queue.take(limits)
    },
    giveBack(entries) {
      // What was sent before is not held back for batching.
      for (const entry of entries) entry.since = Number.NEGATIVE_INFINITY
      queue.putBack(entries)
    },
  })

  function store(record: EncodedRecord, since: number): void {
    const entry = newEntry(record, { since, order: ledger.nextOrder(), onDisk: false })
    // A disk that hangs must not hold back what memory could send.
    if (spool === undefined || finishing || spool.pendingBytes > outbox.maxBytes / 4) queue.push(entry)
    else {
      spool.append(entry, () => {
        queue.push(entry)
        changed()
      })
    }
    grown()
    changed()
  }

  function arrived(before: number): void {
    if (spool !== undefined) {
      if (before === 0) clock.after(outbox.spool!.writeDelayMs, intake.seal)
      return
    }
    const waiting = queue.spans + intake.spans
    const waitedBefore = queue.spans + before
    if (waitedBefore === 0 || (waitedBefore < minBatchSpans && waiting >= minBatchSpans)) changed()
  }
}
