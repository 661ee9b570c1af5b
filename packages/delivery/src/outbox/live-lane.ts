import type { Clock } from '../basics/clock.ts'
import { withGetters } from '../basics/with-getters.ts'
import type { Queue } from '../queue/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { EncodedRecord } from '../wire/record-builder.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import type { ResolvedOutboxOptions } from './options.ts'

/** What arrives now, on its way from the intake, through the spool if there is one, to the dispatcher. */
export interface LiveLane extends Lane {
  /** The last place given in the order of arrival. */
  readonly order: number
  /** Takes a closed record. */
  add(record: EncodedRecord, since: number): void
  /** Says that spans came in where there were `before`. */
  arrived(before: number): void
  /** While a flush waits, nothing waits for company. */
  setFlushing(flushing: boolean): void
}

export interface LiveLaneOptions {
  outbox: ResolvedOutboxOptions
  intake: Intake
  queue: Queue
  spool: Spool | undefined
  clock: Clock
  /** Called when there may be something to send. */
  changed: () => void
}

/** Creates the lane of what arrives. */
export function createLiveLane({ outbox, intake, queue, spool, clock, changed }: LiveLaneOptions): LiveLane {
  const { minBatchSpans, maxBatchSpans, maxBatchBytes } = outbox
  let order = 0
  let flushing = false

  return withGetters({
    maxInFlight: outbox.maxInFlight,
    get order() {
      return order
    },
    setFlushing(value) {
      flushing = value
    },
    add(record, since) {
      order += 1
      const entry = { ...record, since, order, attempts: 0, group: 0, onDisk: false }
      // A disk that hangs must not hold back what memory could send.
      if (spool === undefined || spool.pendingBytes > outbox.maxBytes / 4) {
        queue.push(entry)
        return
      }
      spool.append(entry, () => {
        queue.push(entry)
        changed()
      })
    },
    arrived(before) {
      if (spool !== undefined) {
        if (before === 0) clock.after(outbox.spool!.writeDelayMs, intake.seal)
        return
      }
      const waiting = queue.spans + intake.spans
      const waitedBefore = queue.spans + before
      if (waitedBefore === 0 || (waitedBefore < minBatchSpans && waiting >= minBatchSpans)) changed()
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
    giveBack(entries, where) {
      // What was tried before has no company to wait for.
      for (const entry of entries) entry.since = Number.NEGATIVE_INFINITY
      if (where === 'first') queue.putBack(entries)
      else for (const entry of entries) queue.push(entry)
    },
  })
}
