import { countOf, newEntry, type TraceEntry } from './trace-entry.ts'

const maxRemembered = 20_000

/** What bounds the traces held. */
export interface TraceRoomOptions {
  maxTraces: number
  maxSpans: number
  maxBytes: number
  /** Called with each trace that goes. */
  onRemove(id: string): void
}

/** The traces held, within bounds: the oldest goes first. */
export interface TraceRoom {
  /** Oldest first. */
  readonly entries: ReadonlyMap<string, TraceEntry>
  readonly spans: number
  readonly bytes: number
  /** Traces dropped to make room. */
  readonly evicted: number
  /** Whether a trace was among them; only the latest are remembered. */
  wasEvicted(id: string): boolean
  /** The trace with this id, which may be a new one. */
  open(id: string): TraceEntry
  remove(entry: TraceEntry): void
  /** Makes room for more of a trace; false where that cannot be, and then a trace with nothing in it is gone. */
  makeRoom(entry: TraceEntry, spans: number, bytes: number): boolean
  /** Counts what was put into a trace, or taken out of it. */
  account(entry: TraceEntry, spans: number, bytes: number): void
  /** Removes a trace with nothing left in it. */
  discardEmpty(entry: TraceEntry): void
}

/** Creates room without traces in it. */
export function createTraceRoom(options: TraceRoomOptions): TraceRoom {
  const entries = new Map<string, TraceEntry>()
  const evictedIds = new Set<string>()
  const totals = { spans: 0, bytes: 0, evicted: 0 }

  const remove = (entry: TraceEntry): void => {
    clearTimeout(entry.timer)
    entries.delete(entry.id)
    totals.spans -= countOf(entry) + entry.running.size
    totals.bytes -= entry.bytes
    options.onRemove(entry.id)
  }

  const evictOldest = (keep?: TraceEntry): boolean => {
    for (const entry of entries.values()) {
      if (entry === keep) continue
      remove(entry)
      totals.evicted += 1
      evictedIds.add(entry.id)
      if (evictedIds.size > maxRemembered) evictedIds.delete(evictedIds.values().next().value!)
      return true
    }
    return false
  }

  const discardEmpty = (entry: TraceEntry): void => {
    if (countOf(entry) + entry.scores.size + entry.running.size === 0) remove(entry)
  }

  return {
    entries,
    get spans() {
      return totals.spans
    },
    get bytes() {
      return totals.bytes
    },
    get evicted() {
      return totals.evicted
    },
    wasEvicted: id => evictedIds.has(id),
    open(id) {
      const known = entries.get(id)
      if (known) return known
      if (entries.size >= options.maxTraces) evictOldest()
      const entry = newEntry(id)
      entries.set(id, entry)
      return entry
    },
    remove,
    makeRoom(entry, spans, bytes) {
      while (totals.spans + spans > options.maxSpans || totals.bytes + bytes > options.maxBytes) {
        if (evictOldest(entry)) continue
        discardEmpty(entry)
        return false
      }
      return true
    },
    account(entry, spans, bytes) {
      entry.bytes += bytes
      totals.spans += spans
      totals.bytes += bytes
    },
    discardEmpty,
  }
}
