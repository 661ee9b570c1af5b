import type { Clock } from '../basics/clock.ts'
import type { FlushResult, Ledger } from '../queue/ledger.ts'
import type { Spool } from '../spool/spool.ts'
import type { Breaker } from './breaker.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { LiveLane } from './live-lane.ts'
import type { ResolvedOutboxOptions } from './options.ts'
import type { Pacing } from './pacing.ts'

export interface FlushOptions {
  /** Deadline. @default the outbox's `flushTimeoutMs` */
  timeoutMs?: number | undefined
  /** What to wait for: that spans are delivered or on disk, or that they are delivered. @default 'safe' */
  until?: 'safe' | 'delivered' | undefined
}

/** Waits until what an outbox holds is delivered or on disk. */
export interface Flush {
  flush(options?: FlushOptions): Promise<FlushResult>
  /** Flushes for the last time, stops sending, and drops what is then in memory only. */
  close(options?: FlushOptions): Promise<FlushResult>
}

export interface FlushParts {
  outbox: ResolvedOutboxOptions
  ledger: Ledger
  live: LiveLane
  spool: Spool | undefined
  breaker: Breaker
  pacing: Pacing
  dispatcher: Dispatcher
  clock: Clock
  /** Sends what may be sent now. */
  pump: () => void
  /** Closes the open record: at once, or when its promise resolves. */
  drain: () => Promise<void> | undefined
}

const LAST_ANSWERS_MS = 1000

/** Creates the flush and close of an outbox. */
export function createFlush(parts: FlushParts): Flush {
  const { outbox, ledger, live, spool, breaker, pacing, dispatcher, clock, pump, drain } = parts
  let flushes = 0
  return { flush, close }

  async function flush({
    timeoutMs = outbox.flushTimeoutMs,
    until = 'safe',
  }: FlushOptions = {}): Promise<FlushResult> {
    flushes += 1
    live.setFlushing(true)
    pacing.setHurried(true)
    let cancel!: () => void
    const expired = new Promise<void>(resolve => {
      cancel = clock.after(timeoutMs, resolve, true)
    })
    const before = { delivered: ledger.delivered, dropped: totalDropped(ledger) }
    const draining = drain()
    if (draining !== undefined) await Promise.race([draining, expired])
    const early = {
      delivered: ledger.delivered - before.delivered,
      dropped: totalDropped(ledger) - before.dropped,
    }
    const watch = ledger.watch(live.order, until === 'delivered')
    void expired.then(watch.stop)
    pump()
    const result = await watch.done
    if (spool !== undefined) await Promise.race([spool.sync(), expired])
    cancel()
    flushes -= 1
    if (flushes === 0) {
      live.setFlushing(false)
      pacing.setHurried(false)
    }
    return {
      ...result,
      delivered: result.delivered + early.delivered,
      dropped: result.dropped + early.dropped,
    }
  }

  async function close({
    timeoutMs = outbox.flushTimeoutMs,
    until,
  }: FlushOptions = {}): Promise<FlushResult> {
    const endsAt = clock.now() + timeoutMs
    const before = { delivered: ledger.delivered, dropped: totalDropped(ledger) }
    // Counted as a flush that does not end, so that nothing waits for company any more.
    flushes += 1
    await flush({ timeoutMs, until })
    // What is safe on disk may still be delivered, where that is quick.
    if (spool !== undefined && breaker.state === 'closed') {
      const { done, stop } = ledger.watch(live.order, true)
      await within(done, Math.min(LAST_ANSWERS_MS, (endsAt - clock.now()) / 2))
      stop()
    }
    dispatcher.close()
    if (spool !== undefined) await within(spool.close(), endsAt - clock.now())
    ledger.drop({ spans: ledger.waiting, order: 0, onDisk: false }, 'closed')
    ledger.close()
    await within(closeSender(), endsAt - clock.now())
    return {
      delivered: ledger.delivered - before.delivered,
      dropped: totalDropped(ledger) - before.dropped,
      spooled: ledger.spooled,
      waiting: 0,
    }
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
      const cancel = clock.after(Math.max(0, timeoutMs), resolve, true)
      void work.then(() => {
        cancel()
        resolve()
      })
    })
  }
}

/** Spans dropped for any cause. */
export function totalDropped(ledger: Ledger): number {
  return Object.values(ledger.dropped).reduce((sum, count) => sum + count, 0)
}
