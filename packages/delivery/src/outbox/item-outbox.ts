import { AsyncLocalStorage } from 'node:async_hooks'
import { createLedger, type DropCause, type FlushResult } from '../queue/ledger.ts'
import { createQueue } from '../queue/queue.ts'
import { createSpool } from '../spool/spool.ts'
import type { EncodedRecord } from '../wire/record-builder.ts'
import { type BreakerState, createBreaker } from './breaker.ts'
import { createDispatcher } from './dispatcher.ts'
import { createFlush, type FlushOptions, totalDropped } from './flush.ts'
import { createIntake } from './intake.ts'
import type { ItemFormat } from './item-format.ts'
import { createLiveLane } from './live-lane.ts'
import { type OutboxOptions, resolveOutboxOptions } from './options.ts'
import { createOutboxLog } from './outbox-log.ts'
import { createPacing } from './pacing.ts'
import { createReplayLane } from './replay-lane.ts'
import { createSettlement } from './settlement.ts'

/** Counts of spans where nothing else is said: `accepted + adopted = delivered + dropped.total + waiting + spooled`. */
export interface OutboxStats {
  /** Handed in. */
  accepted: number
  /** Taken over from disk, left there by earlier processes. */
  adopted: number
  /** Acknowledged by the destination. */
  delivered: number
  /** Given up, by cause. */
  dropped: Readonly<Record<DropCause | 'total', number>>
  /** In memory only. */
  waiting: number
  /** On disk. */
  spooled: number
  /** Bytes of spans in memory, encoded. */
  memoryBytes: number
  /** Bytes of files on disk. */
  spoolBytes: number
  /** Requests made. */
  requests: number
  /** Requests whose spans had to be sent again. */
  retries: number
  /** Requests under way. */
  inFlight: number
  breaker: { state: BreakerState; failures: number; openings: number }
}

export interface OutboxHealth {
  /** `degraded`: spans are taken, but cannot be sent, or not be kept on disk. */
  status: 'ok' | 'degraded' | 'closed'
  /** Why it is not `ok`. */
  reasons: string[]
}

/** A bounded queue of spans, or of something else, in front of a destination. */
export interface ItemOutbox<Item> {
  /** What log lines call the destination. */
  readonly name: string
  /** Takes items, without waiting for the destination. Returns false once it is closed. */
  add(items: readonly Item[]): boolean
  /** Waits for what was handed in before, or for the deadline. Never rejects. */
  flush(options?: FlushOptions): Promise<FlushResult>
  /** Takes no more, flushes, and gives up what is then in memory only. Never rejects. */
  close(options?: FlushOptions): Promise<FlushResult>
  stats(): OutboxStats
  health(): OutboxHealth
}

const SLICE_MS = { least: 2, most: 6 }

/** Creates an outbox of what `format` writes. Throws where an option cannot be used. */
export function createItemOutbox<Item>(options: OutboxOptions, format: ItemFormat<Item>): ItemOutbox<Item> {
  const outbox = resolveOutboxOptions(options)
  // What happens in the background belongs to no request, whichever one causes it.
  const detached = AsyncLocalStorage.snapshot()
  const clock = {
    now: outbox.clock.now,
    after: (delayMs: number, run: () => void, hold?: boolean) =>
      detached(() => outbox.clock.after(delayMs, run, hold)),
  }
  const ledger = createLedger((cause, spans) => log.dropped(cause, spans))
  const log = createOutboxLog(outbox, format.noun, ledger)
  const breaker = createBreaker(outbox.breaker)
  const queue = createQueue()
  const intake = createIntake({
    builder: format.createBuilder(outbox),
    recordBytes: outbox.recordBytes,
    recordSpans: outbox.maxBatchSpans,
    sliceMs: SLICE_MS,
    now: clock.now,
    onRecord: (record, since) => detached(store, record, since),
    onDrop: (spans, cause) => ledger.drop({ spans, order: live.order, onDisk: false }, cause),
    onPutOff: bound,
    onCaughtUp() {
      if (spool !== undefined) intake.seal()
      pump()
    },
  })
  const spool =
    outbox.spool &&
    createSpool({
      options: outbox.spool,
      destination: outbox.sender.identity,
      ledger,
      clock,
      events: log,
      changed: pump,
    })
  const live = createLiveLane({ outbox, intake, queue, spool, clock, changed: pump })
  const replay = spool && createReplayLane({ outbox, spool, clock, changed: pump })
  const lanes = replay ? [live, replay] : [live]
  const pacing = createPacing({ outbox, breaker, clock, events: log })
  const settlement = createSettlement({
    maxAttempts: outbox.maxAttempts,
    format,
    pacing,
    ledger,
    events: log,
  })
  const dispatcher = createDispatcher({ ...outbox, lanes, breaker, pacing, settlement, clock })
  const { flush, close } = createFlush({
    outbox,
    ledger,
    live,
    spool,
    breaker,
    pacing,
    dispatcher,
    clock,
    pump,
    drain: () => detached(intake.drain),
  })
  let closing: Promise<FlushResult> | undefined
  let late = 0

  return {
    name: outbox.name,
    add(items) {
      if (closing !== undefined) {
        late += items.length
        return false
      }
      ledger.accept(items.length)
      const before = intake.spans
      intake.add(items)
      live.arrived(before)
      return true
    },
    flush,
    close(options) {
      closing ??= close(options)
      return closing
    },
    stats() {
      const { accepted, adopted, delivered, waiting, spooled } = ledger
      const { requests, inFlight } = dispatcher
      const { state, failures, openings } = breaker
      return {
        accepted: accepted + late,
        adopted,
        delivered,
        dropped: {
          ...ledger.dropped,
          closed: ledger.dropped.closed + late,
          total: totalDropped(ledger) + late,
        },
        waiting,
        spooled,
        memoryBytes: memoryBytes(),
        spoolBytes: spool?.bytes ?? 0,
        requests,
        retries: settlement.retries,
        inFlight,
        breaker: { state, failures, openings },
      }
    },
    health() {
      const reasons: string[] = []
      if (breaker.state !== 'closed') reasons.push(`${outbox.name} cannot be reached or refuses what is sent`)
      if (spool?.failure !== undefined)
        reasons.push(`${outbox.spool!.directory} cannot be written (${spool.failure})`)
      if (closing !== undefined) return { status: 'closed', reasons }
      return { status: reasons.length > 0 ? 'degraded' : 'ok', reasons }
    },
  }

  function store(record: EncodedRecord, since: number): void {
    live.add(record, since)
    bound()
    dispatcher.pump()
  }

  function pump(): void {
    detached(dispatcher.pump)
  }

  function memoryBytes(): number {
    return intake.bytes + (spool?.pendingBytes ?? 0) + queue.bytes + dispatcher.bytes
  }

  /** Where memory is full the oldest go: to be read from disk again if they are there, else for good. */
  function bound(): void {
    while (memoryBytes() > outbox.maxBytes - outbox.recordBytes) {
      const [oldest] = queue.take({ bytes: 0, spans: 0 })
      if (oldest === undefined) {
        if (!intake.dropOldest()) return
      } else if (oldest.place?.release(oldest) !== true) {
        ledger.drop(oldest, 'memory_full')
        oldest.place?.settle(oldest)
      }
    }
  }
}
