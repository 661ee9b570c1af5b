import { withGetters } from '../basics/with-getters.ts'

/** Why spans were given up. */
export type DropCause =
  | 'memory_full'
  | 'spool_full'
  | 'spool_corrupt'
  | 'too_large'
  | 'malformed'
  | 'rejected'
  | 'retries_exhausted'
  | 'unencodable'
  | 'closed'

/** What happened to the spans handed in before a flush. */
export interface FlushResult {
  /** Acknowledged during the flush. */
  delivered: number
  /** On disk, to be sent by this process or the next. */
  spooled: number
  /** Given up during the flush, for whatever cause. */
  dropped: number
  /** In memory only, still to be sent; always 0 after `close`. */
  waiting: number
}

/** Something that holds spans: in memory only, or with a copy on disk. */
export interface Holding {
  spans: number
  /** Place in the order of arrival; 0 for what came from disk. */
  order: number
  onDisk: boolean
}

interface Watch extends FlushResult {
  order: number
  total: number
  check(): void
}

/**
 * The one place where spans are counted. At any time
 * `accepted + adopted = delivered + dropped + waiting + spooled`.
 */
export interface Ledger {
  readonly accepted: number
  readonly adopted: number
  readonly delivered: number
  readonly dropped: Readonly<Record<DropCause, number>>
  readonly waiting: number
  readonly spooled: number
  accept(spans: number): void
  /** Spans that another process left on disk. */
  adopt(spans: number): void
  deliver(holding: Holding, spans?: number): void
  drop(holding: Holding, cause: DropCause, spans?: number): void
  /** A copy of it is on disk now, or no longer. */
  setOnDisk(holding: Holding, onDisk: boolean): void
  /** Ends the counting: what happens later changes nothing. */
  close(): void
  /** Resolves once nothing that arrived up to `order` is in memory only (`all`: nor on disk), or when `stop` is called. */
  watch(order: number, all: boolean): { done: Promise<FlushResult>; stop: () => void }
}

const DROP_CAUSES: readonly DropCause[] = [
  'memory_full',
  'spool_full',
  'spool_corrupt',
  'too_large',
  'malformed',
  'rejected',
  'retries_exhausted',
  'unencodable',
  'closed',
]

/** Creates an empty ledger. */
export function createLedger(onDrop: (cause: DropCause, spans: number) => void): Ledger {
  const counts = { accepted: 0, adopted: 0, delivered: 0, waiting: 0, spooled: 0 }
  const dropped = Object.fromEntries(DROP_CAUSES.map(cause => [cause, 0])) as Record<DropCause, number>
  const watches = new Set<Watch>()
  let closed = false

  return withGetters({
    get accepted() {
      return counts.accepted
    },
    get adopted() {
      return counts.adopted
    },
    get delivered() {
      return counts.delivered
    },
    get waiting() {
      return counts.waiting
    },
    get spooled() {
      return counts.spooled
    },
    dropped,
    accept(spans) {
      counts.accepted += spans
      counts.waiting += spans
    },
    adopt(spans) {
      if (closed) return
      counts.adopted += spans
      counts.spooled += spans
      for (const watch of watches) watch.total += spans
    },
    deliver(holding, spans = holding.spans) {
      if (spans === 0 || closed) return
      counts.delivered += spans
      settle(holding, spans, 'delivered')
    },
    drop(holding, cause, spans = holding.spans) {
      if (spans === 0 || closed) return
      dropped[cause] += spans
      settle(holding, spans, 'dropped')
      onDrop(cause, spans)
    },
    setOnDisk(holding, onDisk) {
      if (holding.onDisk === onDisk || closed) return
      holding.onDisk = onDisk
      const spans = onDisk ? holding.spans : -holding.spans
      counts.spooled += spans
      counts.waiting -= spans
      for (const watch of watches) {
        if (holding.order <= watch.order) watch.waiting -= spans
        watch.check()
      }
    },
    close() {
      closed = true
    },
    watch(order, all) {
      const { promise, resolve } = withResolver<FlushResult>()
      const watch: Watch = {
        order,
        total: counts.waiting + counts.spooled,
        delivered: 0,
        dropped: 0,
        spooled: 0,
        waiting: counts.waiting,
        check() {
          if (watch.waiting <= 0 && (!all || counts.waiting + counts.spooled === 0)) stop()
        },
      }
      watches.add(watch)
      watch.check()
      return { done: promise, stop }

      function stop(): void {
        if (!watches.delete(watch)) return
        const { total, delivered, dropped, waiting } = watch
        resolve({ delivered, dropped, waiting, spooled: Math.max(0, total - delivered - dropped - waiting) })
      }
    },
  })

  function settle(holding: Holding, spans: number, as: 'delivered' | 'dropped'): void {
    if (holding.onDisk) counts.spooled -= spans
    else counts.waiting -= spans
    for (const watch of watches) {
      if (holding.order > watch.order) continue
      watch[as] += spans
      if (!holding.onDisk) watch.waiting -= spans
      watch.check()
    }
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(done => {
    resolve = done
  })
  return { promise, resolve }
}
