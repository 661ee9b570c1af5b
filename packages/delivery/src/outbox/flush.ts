import type { Clock } from '../basics/clock.ts'
import type { Signal } from '../basics/signal.ts'
import type { FlushResult, Ledger } from '../queue/ledger.ts'
import type { Entry } from '../queue/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { LiveLane } from './live-lane.ts'
import type { ResolvedOutboxOptions } from './options.ts'
import type { Pacing } from './pacing.ts'

export interface FlushOptions {
  /** Deadline, in milliseconds. @default the outbox's `flushTimeoutMs` */
  timeoutMs?: number | undefined
  /** What to wait for: that spans are delivered, or that they are delivered or on disk. @default 'delivered' */
  until?: 'safe' | 'delivered' | undefined
}

/** Waits until what an outbox holds is delivered or on disk. */
export interface Flush {
  flush(options?: FlushOptions): Promise<FlushResult>
  /** Flushes for the last time, stops sending, spools what is in memory, and drops what cannot be spooled. */
  close(options?: FlushOptions): Promise<FlushResult>
  /** The same without waiting for anything: for the `exit` event of a process. */
  closeNow(): void
}

export interface FlushParts {
  outbox: ResolvedOutboxOptions
  ledger: Ledger
  live: LiveLane
  /** Entries that wait in memory without a copy on disk. */
  unsaved: () => readonly Entry[]
  spool: Spool | undefined
  pacing: Pacing
  dispatcher: Dispatcher
  clock: Clock
  /** Emitted when there may be something to send. */
  changed: Signal
  /** Emitted after each attempt. */
  settled: Signal
  /** Called when the counting has ended. */
  closed: () => void
}

/** The disk gets this long, whatever the deadline: what is in memory is lost otherwise. */
const DISK_MS = 1000
/** An attempt this long before a flush tells as much as one of its own. */
const RECENT_MS = 1000

/** Creates the flush and close of an outbox. */
export function createFlush(parts: FlushParts): Flush {
  const { outbox, ledger, live, unsaved, spool, pacing, dispatcher, clock, changed, settled } = parts
  const checks = new Set<() => void>()
  let flushes = 0
  settled.on(() => {
    for (const check of checks) check()
  })
  return { flush, close, closeNow }

  async function flush({
    timeoutMs = outbox.flushTimeoutMs,
    until = 'delivered',
  }: FlushOptions = {}): Promise<FlushResult> {
    const deadline = createDeadline(clock, timeoutMs)
    const since = clock.now() - RECENT_MS
    const before = { delivered: ledger.delivered, dropped: ledger.totalDropped }
    hurry(1)
    const draining = live.drain()
    if (draining !== undefined) await Promise.race([draining, deadline.expired])
    const early = {
      delivered: ledger.delivered - before.delivered,
      dropped: ledger.totalDropped - before.dropped,
    }
    const watch = ledger.watch(until)
    changed.emit()
    const hopeless = whenHopeless(since, deadline.at)
    await Promise.race([watch.done, deadline.expired, hopeless.promise])
    hopeless.cancel()
    if (spool !== undefined) await Promise.race([spool.sync(), deadline.expired])
    watch.stop()
    const result = await watch.done
    deadline.cancel()
    hurry(-1)
    return {
      ...result,
      delivered: result.delivered + early.delivered,
      dropped: result.dropped + early.dropped,
    }
  }

  function hurry(change: 1 | -1): void {
    flushes += change
    live.setFlushing(flushes > 0)
    // Each flush asks anew, so that a wait that began during an earlier one is shortened as well.
    pacing.setHurried(flushes > 0)
  }

  /** Resolves when nothing can be delivered before the deadline: keys are refused, a wait is longer, or nobody is there. */
  function whenHopeless(since: number, deadlineAt: number): { promise: Promise<void>; cancel: () => void } {
    let check!: () => void
    const promise = new Promise<void>(resolve => {
      check = () => {
        if (dispatcher.inFlight > 0) return
        if (pacing.readyAt() > deadlineAt || pacing.isAwaySince(since)) resolve()
      }
    })
    checks.add(check)
    check()
    return { promise, cancel: () => checks.delete(check) }
  }

  async function close({
    timeoutMs = outbox.flushTimeoutMs,
    until,
  }: FlushOptions = {}): Promise<FlushResult> {
    const endsAt = clock.now() + timeoutMs
    const before = { delivered: ledger.delivered, dropped: ledger.totalDropped }
    // Counted as a flush that does not end, so that nothing is held back for batching any more.
    hurry(1)
    await flush({ timeoutMs, until })
    dispatcher.close()
    if (spool !== undefined) {
      for (const entry of unsaved()) spool.append(entry, () => undefined, true)
      await within(spool.close(), Math.max(DISK_MS, endsAt - clock.now()))
    }
    end()
    await within(closeSender(), Math.max(0, endsAt - clock.now()))
    return {
      delivered: ledger.delivered - before.delivered,
      dropped: ledger.totalDropped - before.dropped,
      spooled: ledger.spooled,
      waiting: 0,
    }
  }

  function closeNow(): void {
    live.finish()
    dispatcher.close()
    spool?.writeNow(unsaved())
    end()
  }

  function end(): void {
    ledger.drop({ spans: ledger.waiting, order: ledger.order, onDisk: false }, 'closed')
    ledger.close()
    parts.closed()
  }

  async function closeSender(): Promise<void> {
    try {
      await outbox.sender.close?.()
    } catch {
      // Nothing is left that it could lose.
    }
  }

  function within(work: Promise<unknown>, timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = clock.after(timeoutMs, resolve, true)
      void work.then(() => {
        cancel()
        resolve()
      })
    })
  }
}

function createDeadline(
  clock: Clock,
  timeoutMs: number,
): { at: number; expired: Promise<void>; cancel: () => void } {
  let cancel!: () => void
  const expired = new Promise<void>(resolve => {
    cancel = clock.after(timeoutMs, resolve, true)
  })
  return { at: clock.now() + timeoutMs, expired, cancel }
}
