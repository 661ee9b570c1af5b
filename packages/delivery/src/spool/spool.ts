import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger.ts'
import type { Entry } from '../queue.ts'
import type { ResolvedSpoolOptions } from './options.ts'

/** What is worth a log line. */
export interface SpoolEvents {
  spoolFailed(code: string): void
  spoolRecovered(): void
  adopted(spans: number): void
  foreign(destinations: number): void
}

/** Keeps records on disk until they are delivered. Nothing it does throws. */
export interface Spool {
  /** Writes the record of an entry, then calls `written`; on failure the entry is in memory only. */
  append(entry: Entry, written: () => void): void
  /** Bytes of entries whose writing has not ended. */
  readonly pendingBytes: number
  /** True where records lie on disk that are not in memory. */
  readonly hasBacklog: boolean
  /** Reads the oldest of those into memory. */
  read(): Promise<Entry[]>
  /** Bytes on disk. */
  readonly bytes: number
  /** Why it does not write at the moment: `ENOSPC`. */
  readonly failure: string | undefined
  /** Resolves when everything appended is written and forced to disk. */
  sync(): Promise<void>
  /** Leaves what is not delivered to the next process. */
  close(): Promise<void>
}

export interface SpoolContext {
  options: ResolvedSpoolOptions
  /** Names the destination: data for one is never sent to another. */
  destination: string
  ledger: Ledger
  clock: Clock
  events: SpoolEvents
  /** Called when there may be something to read. */
  changed: () => void
}

/** Creates a spool. */
export function createSpool(_context: SpoolContext): Spool {
  throw new Error('not yet')
}
