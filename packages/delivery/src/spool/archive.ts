import type { Ledger } from '../queue/ledger.ts'
import type { Entry } from '../queue/queue.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { segmentNames } from './homes.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { scanRecords } from './record-format.ts'
import { createSegment, type Segment } from './segment.ts'

/** The segment files of a process, oldest first. */
export interface Archive {
  readonly bytes: number
  readonly oldest: Segment | undefined
  /** The oldest with records that are on disk only. */
  readonly oldestWaiting: Segment | undefined
  readonly isEmpty: boolean
  /** Adds a file yet to be written. */
  add(directory: string, name: string): Segment
  /** Adds the files of a directory that was taken over and returns the number of spans in them. */
  adopt(directory: string): Promise<number>
  /** Reads the records of a segment that are on disk only into memory. */
  read(segment: Segment): Promise<Entry[]>
  /** Gives up a segment with what is in it. */
  drop(segment: Segment, cause: 'spool_full' | 'spool_corrupt'): void
  /** Deletes files in which nothing is needed any more. */
  sweep(): void
  /** Writes down what is settled. */
  saveCursors(): Promise<void>
  holds(directory: string): boolean
  /** Resolves when files that were to be deleted are. */
  settled(): Promise<void>
}

export interface ArchiveOptions {
  options: ResolvedSpoolOptions
  ledger: Ledger
  /** Says whether a segment is being written. */
  isOpen: (segment: Segment) => boolean
}

/** Creates an empty archive. */
export function createArchive({ options, ledger, isOpen }: ArchiveOptions): Archive {
  const { files } = options
  const highest = new Map<string, number>()
  const changed = new Set<string>()
  const deleting = new Set<Promise<void>>()
  // What was taken over is older than what is written here.
  const adopted: Segment[] = []
  const own: Segment[] = []

  return {
    get bytes() {
      return all().reduce((total, segment) => total + segment.bytes, 0)
    },
    get oldest() {
      return adopted[0] ?? own[0]
    },
    get oldestWaiting() {
      return adopted.find(hasWaiting) ?? own.find(hasWaiting)
    },
    get isEmpty() {
      return adopted.length + own.length === 0
    },
    add(directory, name) {
      const segment = createSegment({ directory, name, ledger, onProgress })
      own.push(segment)
      return segment
    },
    async adopt(directory) {
      const unsettled = await readCursor(files, directory)
      let spans = 0
      for (const name of await segmentNames(directory, options)) {
        const segment = createSegment({ directory, name, ledger, onProgress })
        const content = await files.readFile(segment.path).catch(() => undefined)
        // What cannot be read now may be read by another process later.
        if (content === undefined) continue
        segment.bytes = content.length
        for (const record of scanRecords(content)) {
          const isWanted = unsettled.some(([from, to]) => from <= record.sequence && record.sequence <= to)
          if (!isWanted || segment.wants(record.sequence)) continue
          segment.add(record.sequence, record.spans)
          spans += record.spans
          ledger.adopt(record.spans)
        }
        adopted.push(segment)
      }
      sweep()
      return spans
    },
    async read(segment) {
      const { bytes, last } = segment
      const content = await files.readFile(segment.path)
      const entries: Entry[] = []
      for (const { sequence, spans, body } of scanRecords(content.subarray(0, bytes))) {
        if (body === undefined || !segment.wants(sequence)) continue
        const entry: Entry = { body, spans, since: 0, order: 0, attempts: 0, group: 0, onDisk: true }
        entry.place = segment.hold(sequence, entry)
        entries.push(entry)
      }
      segment.lose(last)
      return entries
    },
    drop(segment, cause) {
      segment.abandon(cause)
      remove(segment)
    },
    sweep,
    async saveCursors() {
      // Those of now: one that cannot be written is put back, for the next time.
      for (const directory of [...changed]) {
        changed.delete(directory)
        const segments = all().filter(segment => segment.directory === directory)
        const unsettled = segments.filter(segment => !segment.isSettled)
        const ranges = unsettled.map(({ cursor, last }): [number, number] => [cursor, last])
        const last = segments.reduce(
          (high, segment) => Math.max(high, segment.last),
          highest.get(directory) ?? 0,
        )
        ranges.push([last + 1, Number.MAX_SAFE_INTEGER])
        await writeCursor(files, directory, ranges).catch(() => changed.add(directory))
      }
    },
    holds: directory => all().some(segment => segment.directory === directory),
    async settled() {
      await Promise.all(deleting)
    },
  }

  function all(): Segment[] {
    return [...adopted, ...own]
  }

  function onProgress(segment: Segment): void {
    changed.add(segment.directory)
    if (segment.isSettled && !isOpen(segment)) remove(segment)
  }

  function sweep(): void {
    for (const segment of all()) if (segment.isSettled && !isOpen(segment)) remove(segment)
  }

  function remove(segment: Segment): void {
    const { directory, last } = segment
    highest.set(directory, Math.max(highest.get(directory) ?? 0, last))
    for (const list of [adopted, own]) {
      const index = list.indexOf(segment)
      if (index >= 0) list.splice(index, 1)
    }
    const deleted = files.unlink(segment.path).catch(() => undefined)
    deleting.add(deleted)
    void deleted.then(() => deleting.delete(deleted))
  }
}

function hasWaiting(segment: Segment): boolean {
  return segment.waiting > 0
}
