import { withGetters } from '../basics/with-getters.ts'
import { createLedger, type DropCause } from '../queue/ledger.ts'
import { createQueue, type Entry, finishEntry } from '../queue/queue.ts'
import type { EncodedRecord } from '../wire/record-builder.ts'
import { type BreakerState, createBreaker } from './breaker.ts'
import { createDispatcher } from './dispatcher.ts'
import type { Lane } from './lane.ts'
import { type OutboxOptions, resolveOutboxOptions } from './options.ts'
import { OTLP } from './outbox.ts'
import { createOutboxLog } from './outbox-log.ts'
import { createPacing } from './pacing.ts'
import { createRelayBatches } from './relay-batches.ts'
import type { RelayRecord } from './relay-record.ts'
import { LINES } from './score-outbox.ts'
import { createSettlement, type DiscardCause } from './settlement.ts'
import { createSuspectLane } from './suspect-lane.ts'

/** Limits how much is sent, by the clock of the relay. */
export interface RelayLimit {
  /** When the next request may be sent: in the past if now. */
  readyAt(): number
  /** Accounts for a request. */
  spend(bytes: number): void
}

export interface RelayOptions<Record extends RelayRecord = RelayRecord>
  extends Omit<OutboxOptions, 'spool' | 'resourceAttributes' | 'mark' | 'flushTimeoutMs' | 'minBatchSpans'> {
  /** What the records contain. */
  items: 'spans' | 'scores'
  /**
   * Keeps a single item that the destination will never accept. `sources` are the records it may come from. The relay calls it again
   * later if it rejects.
   */
  discard(item: EncodedRecord, cause: DiscardCause, reason: string, sources: readonly Record[]): Promise<void>
  /** Limits requests and bytes; several relays may share one. @default none */
  limit?: RelayLimit | undefined
}

export interface RelayStats {
  /** Items handed in. */
  accepted: number
  delivered: number
  dropped: Readonly<Record<DropCause, number>>
  /** Items not settled yet. */
  waiting: number
  requests: number
  retries: number
  breaker: BreakerState
}

/** Sends records that a queue keeps, and tells the queue when each is settled. */
export interface Relay<Record extends RelayRecord = RelayRecord> {
  add(record: Record): void
  /** Bytes in memory. */
  readonly bytes: number
  stats(): RelayStats
  /** Waits until everything handed in is settled. Returns false at the deadline. */
  drain(timeoutMs: number): Promise<boolean>
  /** Stops sending. Records that are not settled by then never are. */
  close(): Promise<void>
}

const DISCARD_RETRY_MS = 1_000

/** Creates a relay: an outbox whose records are kept by a queue instead of memory or disk. */
export function createRelay<Record extends RelayRecord>(options: RelayOptions<Record>): Relay<Record> {
  const { items, discard: keepDiscarded, limit, ...shared } = options
  const outbox = resolveOutboxOptions(shared)
  const { clock, maxBatchBytes, maxBatchSpans } = outbox
  const format = items === 'spans' ? OTLP : LINES
  const ledger = createLedger()
  const log = createOutboxLog(outbox, format.noun, ledger)
  const breaker = createBreaker(outbox.breaker)
  const pacing = createPacing({ outbox, breaker, clock, events: log })
  const queue = createQueue()
  const batches = createRelayBatches<Record>({
    maxBytes: outbox.recordBytes,
    ledger,
    now: clock.now,
    ready: queue.push,
  })
  let draining = false
  let discarding = 0
  let closed = false

  const lane: Lane = {
    maxInFlight: outbox.maxInFlight,
    readyAt() {
      const spans = queue.spans + batches.spans
      if (spans === 0) return Number.POSITIVE_INFINITY
      const isFull = spans >= maxBatchSpans || queue.bytes + batches.bytes >= maxBatchBytes
      const since = queue.peek()?.since ?? batches.since
      const ready = isFull || draining ? Number.NEGATIVE_INFINITY : since + outbox.lingerMs
      return Math.max(ready, limit?.readyAt() ?? Number.NEGATIVE_INFINITY)
    },
    take(limits) {
      const hasRoom = queue.length === 0 || (queue.spans < limits.spans && queue.bytes < limits.bytes)
      if (hasRoom) batches.seal()
      const entries = queue.take(limits)
      limit?.spend(entries.reduce((total, { body }) => total + body.length, 0))
      return entries
    },
    giveBack(entries) {
      for (const entry of entries) entry.since = Number.NEGATIVE_INFINITY
      queue.putBack(entries)
    },
  }
  const suspects = createSuspectLane(outbox, clock, pacing)
  const settlement = createSettlement({
    maxAttempts: outbox.maxAttempts,
    format,
    pacing,
    suspects,
    ledger,
    events: log,
    discard,
  })
  const dispatcher = createDispatcher({
    ...outbox,
    lanes: [lane, suspects],
    breaker,
    pacing,
    settlement,
    clock,
    maxInFlightBytes: Number.POSITIVE_INFINITY,
    settled: () => undefined,
  })

  return withGetters({
    add(record) {
      ledger.accept(record.spans)
      batches.add(record)
      dispatcher.pump()
    },
    get bytes() {
      return batches.bytes + queue.bytes + suspects.bytes + dispatcher.bytes + discarding
    },
    stats() {
      const { accepted, delivered, dropped, waiting } = ledger
      const { requests } = dispatcher
      const { retries } = settlement
      return { accepted, delivered, dropped, waiting, requests, retries, breaker: breaker.state }
    },
    async drain(timeoutMs) {
      draining = true
      batches.seal()
      const { done, stop } = ledger.watch('delivered')
      const cancel = clock.after(timeoutMs, stop, true)
      dispatcher.pump()
      const { waiting } = await done
      cancel()
      draining = false
      return waiting === 0
    },
    async close() {
      closed = true
      dispatcher.close()
      await outbox.sender.close?.()
    },
  })

  function discard(entry: Entry, cause: DiscardCause, reason: string): void {
    discarding += entry.body.length
    keep(entry, cause, reason)
  }

  function keep(entry: Entry, cause: DiscardCause, reason: string): void {
    if (closed) return
    keepDiscarded(entry, cause, reason, batches.recordsOf(entry)).then(
      () => {
        discarding -= entry.body.length
        ledger.drop(entry, cause)
        finishEntry(entry)
      },
      error => {
        log.discardFailed(error instanceof Error ? error.message : String(error))
        clock.after(DISCARD_RETRY_MS, () => keep(entry, cause, reason))
      },
    )
  }
}
