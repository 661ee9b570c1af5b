import { withGetters } from '../basics/with-getters.ts'

/** Reasons for dropping spans. */
export const DROP_CAUSES = [
  'memory_full',
  'spool_full',
  'spool_corrupt',
  'spool_lost',
  'too_large',
  'malformed',
  'rejected',
  'retries_exhausted',
  'unencodable',
  'closed',
] as const

/** Why spans were dropped. */
export type DropCause = (typeof DROP_CAUSES)[number]

/** What happened to the spans handed in before a flush. */
export interface FlushResult {
  /** Acknowledged during the flush. */
  delivered: number
  /** On disk, to be sent by this process or the next. */
  spooled: number
  /** Dropped during the flush, for any cause. */
  dropped: number
  /** In memory only, still to be sent; always 0 after `close`. */
  waiting: number
}

/** Something that holds spans: in memory only, or with a copy on disk. */
export interface Holding {
  spans: number
  /** Place in the order of arrival; `ADOPTED` if another process handed it in. */
  order: number
  onDisk: boolean
}

/** The order of what another process handed in: no flush of this one waits for it. */
export const ADOPTED: number = Number.POSITIVE_INFINITY

interface Watch extends FlushResult {
  order: number
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
  readonly totalDropped: number
  readonly waiting: number
  readonly spooled: number
  /** The last place in the order of arrival. */
  readonly order: number
  /** Returns the next place in the order of arrival. */
  nextOrder(): number
  accept(spans: number): void
  /** Counts spans that another process left on disk. */
  adopt(spans: number): void
  deliver(holding: Holding, spans?: number): void
  drop(holding: Holding, cause: DropCause, spans?: number): void
  /** Calls `listener` for every drop. */
  onDrop(listener: (cause: DropCause) => void): void
  /** Records whether there is a copy of `holding` on disk. */
  setOnDisk(holding: Holding, onDisk: boolean): void
  /** Ends the counting: what happens later changes nothing. */
  close(): void
  /** Resolves once everything that this process handed in before is delivered (`safe`: or on disk), or when `stop` is called. */
  watch(until: 'safe' | 'delivered'): { done: Promise<FlushResult>; stop: () => void }
}

/** Creates an empty ledger. */
export function createLedger(): Ledger {
  const counts = { accepted: 0, adopted: 0, delivered: 0, waiting: 0, spooled: 0 }
  const dropped = Object.fromEntries(DROP_CAUSES.map(cause => [cause, 0])) as Record<DropCause, number>
  const watches = new Set<Watch>()
  const listeners: ((cause: DropCause) => void)[] = []
  let order = 0
  let closed = false
  // Of what others handed in, how much is on disk and how much is in memory only.
  const foreign = { waiting: 0, spooled: 0 }

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
    get order() {
      return order
    },
    dropped,
    get totalDropped() {
      return DROP_CAUSES.reduce((sum, cause) => sum + dropped[cause], 0)
    },
    nextOrder() {
      order += 1
      return order
    },
    accept(spans) {
      counts.accepted += spans
      counts.waiting += spans
    },
    adopt(spans) {
      if (closed) return
      counts.adopted += spans
      counts.spooled += spans
      foreign.spooled += spans
    },
    deliver(holding, spans = holding.spans) {
      if (spans === 0 || closed) return
      counts.delivered += spans
      remove(holding, spans, 'delivered')
    },
    drop(holding, cause, spans = holding.spans) {
      if (spans === 0 || closed) return
      dropped[cause] += spans
      remove(holding, spans, 'dropped')
      for (const listener of listeners) listener(cause)
    },
    onDrop: listener => void listeners.push(listener),
    setOnDisk(holding, onDisk) {
      if (holding.onDisk === onDisk || closed) return
      holding.onDisk = onDisk
      const spans = onDisk ? holding.spans : -holding.spans
      move(counts, spans)
      if (holding.order === ADOPTED) return move(foreign, spans)
      for (const watch of watches) {
        if (holding.order > watch.order) continue
        move(watch, spans)
        watch.check()
      }
    },
    close() {
      closed = true
    },
    watch(until) {
      const { promise, resolve } = withResolver<FlushResult>()
      const watch: Watch = {
        order,
        delivered: 0,
        dropped: 0,
        spooled: counts.spooled - foreign.spooled,
        waiting: counts.waiting - foreign.waiting,
        check() {
          if (watch.waiting <= 0 && (until === 'safe' || watch.spooled <= 0)) stop()
        },
      }
      watches.add(watch)
      watch.check()
      return { done: promise, stop }

      function stop(): void {
        if (!watches.delete(watch)) return
        const { delivered, dropped, waiting, spooled } = watch
        resolve({ delivered, dropped, waiting, spooled })
      }
    },
  })

  function remove(holding: Holding, spans: number, as: 'delivered' | 'dropped'): void {
    const from = holding.onDisk ? 'spooled' : 'waiting'
    counts[from] -= spans
    if (holding.order === ADOPTED) {
      foreign[from] -= spans
      return
    }
    for (const watch of watches) {
      if (holding.order > watch.order) continue
      watch[as] += spans
      watch[from] -= spans
      watch.check()
    }
  }
}

function move(counts: { waiting: number; spooled: number }, toDisk: number): void {
  counts.spooled += toDisk
  counts.waiting -= toDisk
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(done => {
    resolve = done
  })
  return { promise, resolve }
}
