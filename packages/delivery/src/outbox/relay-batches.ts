import { withGetters } from '../basics/with-getters.ts'
import type { Ledger } from '../queue/ledger.ts'
import { type Entry, newEntry, type Place } from '../queue/queue.ts'
import type { RelayRecord } from './relay-record.ts'

/** Joins the records of a relay to entries, because a queue's messages are too small to be requests of their own. */
export interface RelayBatches<Record extends RelayRecord> {
  /** Items in the open batch. */
  readonly spans: number
  /** Bytes of the open batch. */
  readonly bytes: number
  /** When the open batch got its first record. */
  readonly since: number
  add(record: Record): void
  /** Closes the open batch. */
  seal(): void
  /** The records that an entry, or the entry it was cut from, consists of. */
  recordsOf(entry: Entry): readonly Record[]
}

export interface RelayBatchesOptions {
  /** A batch is closed when it has this many bytes. */
  maxBytes: number
  ledger: Ledger
  now: () => number
  ready: (entry: Entry) => void
}

interface RelayPlace<Record> extends Place {
  readonly records: readonly Record[]
}

/** Creates the batches of a relay. */
export function createRelayBatches<Record extends RelayRecord>(
  options: RelayBatchesOptions,
): RelayBatches<Record> {
  let open: Record[] = []
  let spans = 0
  let bytes = 0
  let since = 0

  return withGetters({
    get spans() {
      return spans
    },
    get bytes() {
      return bytes
    },
    get since() {
      return since
    },
    add(record) {
      if (bytes + record.body.length > options.maxBytes) seal()
      if (open.length === 0) since = options.now()
      open.push(record)
      spans += record.spans
      bytes += record.body.length
      if (bytes >= options.maxBytes) seal()
    },
    seal,
    recordsOf: entry => (entry.place as RelayPlace<Record>).records,
  })

  function seal(): void {
    if (open.length === 0) return
    const records = open
    const body = records.length === 1 ? records[0]!.body : Buffer.concat(records.map(record => record.body))
    const entry = newEntry({ body, spans }, { since, order: options.ledger.nextOrder(), onDisk: false })
    entry.place = placeOf(entry, records)
    open = []
    spans = 0
    bytes = 0
    options.ready(entry)
  }
}

function placeOf<Record extends RelayRecord>(entry: Entry, records: readonly Record[]): RelayPlace<Record> {
  const holdings: Place['holdings'] = new Set([entry])
  return {
    records,
    holdings,
    discard(holding) {
      if (!holdings.delete(holding) || holdings.size > 0) return
      for (const record of records) record.settle()
    },
    unload: () => false,
  }
}
