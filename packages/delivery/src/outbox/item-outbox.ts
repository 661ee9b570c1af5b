import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../basics/clock.ts'
import { createSignal } from '../basics/signal.ts'
import { createLedger, type DropCause, type FlushResult, type Ledger } from '../queue/ledger.ts'
import { createSpool, type Spool } from '../spool/spool.ts'
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts'
import { createDispatcher, type Dispatcher } from './dispatcher.ts'
import { createFlush, type Flush, type FlushOptions } from './flush.ts'
import type { ItemFormat } from './item-format.ts'
import { createLiveLane, type LiveLane } from './live-lane.ts'
import { createMemory, type Memory } from './memory.ts'
import { type OutboxOptions, type ResolvedOutboxOptions, resolveOutboxOptions } from './options.ts'
import { createOutboxLog } from './outbox-log.ts'
import { createPacing, type Pacing } from './pacing.ts'
import { createReplayLane } from './replay-lane.ts'
import { createSettlement, type Settlement } from './settlement.ts'
import { createSuspectLane } from './suspect-lane.ts'

/** Counts of spans unless stated otherwise: `accepted + adopted = delivered + dropped.total + waiting + spooled`. */
export interface OutboxStats {
  /** Handed in. */
  accepted: number
  /** Found on disk, left there by earlier processes. */
  adopted: number
  /** Acknowledged by the destination. */
  delivered: number
  /** Dropped, by cause. */
  dropped: Readonly<Record<DropCause | 'total', number>>
  /** In memory only. */
  waiting: number
  /** On disk. */
  spooled: number
  /** Memory in use, in bytes: encoded spans with overhead, and requests in flight. */
  memoryBytes: number
  /** Size of the files on disk, in bytes. */
  spoolBytes: number
  /** Requests made. */
  requests: number
  /** Requests whose spans had to be sent again. */
  retries: number
  /** Requests in flight. */
  inFlight: number
  breaker: { state: BreakerState; failures: number; openings: number }
}

export interface OutboxHealth {
  /** `degraded`: spans are accepted, but cannot be sent, or cannot be kept on disk. */
  status: 'ok' | 'degraded' | 'closed'
  /** Why it is not `ok`. */
  reasons: string[]
}

/** A bounded queue of spans, or of other items, in front of a destination. */
export interface ItemOutbox<Item> {
  /** What log lines call the destination. */
  readonly name: string
  /** Takes items without waiting for the destination. Returns false once it is closed. */
  add(items: readonly Item[]): boolean
  /** Waits until everything handed in before is delivered, or for the deadline. Never rejects. */
  flush(options?: FlushOptions): Promise<FlushResult>
  /** Takes no more, flushes, spools the rest, and drops what cannot be spooled. Never rejects. */
  close(options?: FlushOptions): Promise<FlushResult>
  /** Closes without waiting: writes to the spool synchronously and counts the rest as dropped. For the `exit` event of a process. */
  closeNow(): void
  stats(): OutboxStats
  health(): OutboxHealth
}

interface Parts {
  readonly outbox: ResolvedOutboxOptions
  readonly ledger: Ledger
  readonly live: LiveLane
  readonly spool: Spool | undefined
  readonly breaker: Breaker
  readonly pacing: Pacing
  readonly settlement: Settlement
  readonly dispatcher: Dispatcher
  readonly memory: Memory
  readonly flush: Flush
}

/** Creates an outbox for items of `format`. Throws if an option is invalid. */
export function createItemOutbox<Item>(options: OutboxOptions, format: ItemFormat<Item>): ItemOutbox<Item> {
  const parts = createParts(resolveOutboxOptions(options), format)
  const { outbox, ledger, live, flush } = parts
  let closing: Promise<FlushResult> | undefined
  let isClosed = false
  let late = 0

  return {
    name: outbox.name,
    add(items) {
      if (closing !== undefined || isClosed) {
        late += items.length
        return false
      }
      ledger.accept(items.length)
      live.add(items)
      return true
    },
    flush: flush.flush,
    close(options) {
      closing ??= flush.close(options).finally(() => {
        isClosed = true
      })
      return closing
    },
    closeNow() {
      if (isClosed) return
      isClosed = true
      flush.closeNow()
    },
    stats: () => statsOf(parts, late),
    health: () => healthOf(parts, closing !== undefined || isClosed),
  }
}

/** Each part knows those created before it; what is to be told to an earlier one goes through a signal. */
function createParts<Item>(outbox: ResolvedOutboxOptions, format: ItemFormat<Item>): Parts {
  // Background work belongs to no request, whichever one causes it.
  const detached = AsyncLocalStorage.snapshot()
  const clock: Clock = {
    now: outbox.clock.now,
    after: (delayMs, run, hold) => detached(() => outbox.clock.after(delayMs, run, hold)),
  }
  const changed = createSignal()
  const grown = createSignal()
  const settled = createSignal()
  const diskReady = createSignal()
  const ledger = createLedger()
  const log = createOutboxLog(outbox, format.noun, ledger)
  const breaker = createBreaker(outbox.breaker)
  const pacing = createPacing({ outbox, breaker, clock, events: log })
  const suspects = createSuspectLane(outbox, clock, pacing)
  const spool =
    outbox.spool &&
    createSpool({
      options: outbox.spool,
      destination: outbox.sender.identity,
      ledger,
      clock,
      events: log,
      changed: changed.emit,
      ready: diskReady.emit,
    })
  const live = createLiveLane({
    outbox,
    builder: format.createBuilder(outbox),
    ledger,
    spool,
    clock,
    detached,
    grown: grown.emit,
    changed: changed.emit,
  })
  const replay = spool && createReplayLane({ outbox, spool, clock, changed: changed.emit })
  const settlement = createSettlement({ ...outbox, format, pacing, suspects, ledger, events: log })
  const lanes = replay ? [live, replay, suspects] : [live, suspects]
  const dispatcher = createDispatcher({
    ...outbox,
    maxInFlightBytes: outbox.maxBytes / 2,
    lanes,
    breaker,
    pacing,
    settlement,
    clock,
    settled: settled.emit,
  })
  const limit = outbox.maxBytes - outbox.recordBytes
  const memory = createMemory({ limit, ledger, live, suspects, replay, spool, dispatcher })
  const unsaved = () => [...live.entries(), ...suspects.entries()].filter(entry => !entry.onDisk)
  grown.on(memory.enforce)
  diskReady.on(() => spool?.save(unsaved()))
  changed.on(() => detached(dispatcher.pump))
  const flush = createFlush({
    outbox,
    ledger,
    live,
    unsaved,
    spool,
    pacing,
    dispatcher,
    clock,
    changed,
    settled,
    closed: log.close,
  })
  return { outbox, ledger, live, spool, breaker, pacing, settlement, dispatcher, memory, flush }
}

function statsOf(
  { ledger, breaker, dispatcher, settlement, memory, spool }: Parts,
  late: number,
): OutboxStats {
  const { accepted, adopted, delivered, dropped, totalDropped, waiting, spooled } = ledger
  const { state, failures, openings } = breaker
  return {
    accepted: accepted + late,
    adopted,
    delivered,
    dropped: { ...dropped, closed: dropped.closed + late, total: totalDropped + late },
    waiting,
    spooled,
    memoryBytes: memory.bytes,
    spoolBytes: spool?.bytes ?? 0,
    requests: dispatcher.requests,
    retries: settlement.retries,
    inFlight: dispatcher.inFlight,
    breaker: { state, failures, openings },
  }
}

function healthOf({ outbox, breaker, pacing, spool }: Parts, isClosed: boolean): OutboxHealth {
  const reasons: string[] = []
  if (pacing.isRefused) reasons.push(`${outbox.name} refuses the keys or the address`)
  else if (breaker.state !== 'closed') reasons.push(`${outbox.name} is unreachable`)
  if (spool?.failure !== undefined)
    reasons.push(`${outbox.spool!.directory} cannot be written (${spool.failure})`)
  if (isClosed) return { status: 'closed', reasons }
  return { status: reasons.length > 0 ? 'degraded' : 'ok', reasons }
}
