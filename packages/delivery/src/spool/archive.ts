import { ADOPTED, type Ledger } from '../queue/ledger.ts'
import { type Entry, newEntry } from '../queue/queue.ts'
import { exactCopy } from '../wire/byte-sink.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { segmentNames } from './directories.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { HEADER_BYTES, recordBody, scanRecords } from './record-format.ts'
import { createSegment, type Segment } from './segment.ts'

/** The segment files of a process, oldest first. */
export interface Archive {
  /** Size of the files. */
  readonly bytes: number
  /** Size of the files that this process wrote. */
  readonly ownBytes: number
  /** Size of the files that it took over. */
  readonly adoptedBytes: number
  /** The oldest file that this process wrote. */
  readonly oldestOwn: Segment | undefined
  /** The oldest file with records that are on disk only. */
  readonly oldestWaiting: Segment | undefined
  /** Adds a file yet to be written. */
  add(directory: string, name: string): Segment
  /** Adds the files of a directory that was taken over, and returns the number of spans in them. Files that cannot be read now are tried again. */
  adopt(directory: string): Promise<number>
  /** Tries the files again that could not be read, and returns the number of spans in them. */
  adoptUnread(): Promise<number>
  /** Reads records of a segment that are on disk only, of about `maxBytes` together. */
  read(segment: Segment, maxBytes: number): Promise<Entry[]>
  /** Drops a segment with everything in it. */
  drop(segment: Segment, cause: 'spool_full' | 'spool_corrupt'): void
  /** Finds out which files have disappeared; what is still in memory of them goes on without a copy. */
  verify(): Promise<void>
  /** Deletes files in which nothing is needed any more. */
  sweep(): void
  /** Writes down which records are still needed. */
  saveCursors(): Promise<void>
  holds(directory: string): boolean
  /** Resolves when the files being deleted are deleted. */
  deleted(): Promise<void>
}

export interface ArchiveOptions {
  options: ResolvedSpoolOptions
  ledger: Ledger
  /** True for the segment that is being written. */
  isOpen: (segment: Segment) => boolean
}

/** Creates an empty archive. */
export function createArchive({ options, ledger, isOpen }: ArchiveOptions): Archive {
  const { files } = options
  const highest = new Map<string, number>()
  const changed = new Set<string>()
  const unread = new Set<string>()
  const deleting = new Set<Promise<void>>()
  // What was taken over is older than what is written here.
  const adopted: Segment[] = []
  const own: Segment[] = []

  return {
    get bytes() {
      return bytesOf(adopted) + bytesOf(own)
    },
    get ownBytes() {
      return bytesOf(own)
    },
    get adoptedBytes() {
      return bytesOf(adopted)
    },
    get oldestOwn() {
      return own[0]
    },
    get oldestWaiting() {
      return adopted.find(hasWaiting) ?? own.find(hasWaiting)
    },
    add(directory, name) {
      const segment = createSegment({ directory, name, ledger, onProgress })
      own.push(segment)
      return segment
    },
    adopt,
    async adoptUnread() {
      let spans = 0
      for (const directory of unread) spans += await adopt(directory)
      return spans
    },
    read,
    drop(segment, cause) {
      segment.abandon(cause)
      forget(segment)
      unlink(segment.path)
    },
    async verify() {
      for (const segment of all()) {
        // Nothing was written to it yet: its file may not have been made.
        if (segment.bytes === 0) continue
        const isMissing = await files.stat(segment.path).then(
          () => false,
          error => error.code === 'ENOENT',
        )
        // It may have been finished and deleted in the meantime.
        if (!isMissing || !all().includes(segment)) continue
        segment.abandon('spool_lost')
        forget(segment)
      }
    },
    sweep,
    saveCursors,
    holds: directory => unread.has(directory) || all().some(segment => segment.directory === directory),
    async deleted() {
      await Promise.all(deleting)
    },
  }

  function all(): Segment[] {
    return [...adopted, ...own]
  }

  /** What cannot be read stays where it is: the cursor of its directory is not written until it is. */
  async function adopt(directory: string): Promise<number> {
    unread.add(directory)
    const needed = await readCursor(files, directory)
    const names = await segmentNames(directory, options).catch(error => (isMissing(error) ? [] : undefined))
    if (names === undefined) return 0
    const known = new Set(adopted.map(segment => segment.path))
    let spans = 0
    let failed = false
    for (const name of names) {
      const segment = createSegment({ directory, name, ledger, onProgress })
      if (known.has(segment.path)) continue
      const records = await scan(segment, needed).catch(error => (isMissing(error) ? 0 : undefined))
      if (records === undefined) failed = true
      else spans += records
    }
    if (!failed) unread.delete(directory)
    sweep()
    return spans
  }

  async function scan(segment: Segment, needed: readonly (readonly [number, number])[]): Promise<number> {
    const stats = await files.stat(segment.path)
    // Only regular files are ours: a pipe would never end.
    if (!stats.isFile()) return 0
    const file = await files.open(segment.path, 'r')
    const found = new Map<number, { spans: number; offset: number; length: number; isWhole: boolean }>()
    try {
      for await (const { sequence, ...record } of scanRecords(file)) {
        if (!needed.some(([from, to]) => from <= sequence && sequence <= to)) continue
        if (found.get(sequence)?.isWhole !== true) found.set(sequence, record)
      }
    } finally {
      await file.close().catch(() => undefined)
    }
    let spans = 0
    const damaged: number[] = []
    segment.bytes = stats.size
    for (const [sequence, record] of found) {
      const index = segment.add({ sequence, order: ADOPTED, ...record })
      spans += record.spans
      ledger.adopt(record.spans)
      if (!record.isWhole) damaged.push(index)
    }
    adopted.push(segment)
    for (const index of damaged) segment.lose(index)
    return spans
  }

  async function read(segment: Segment, maxBytes: number): Promise<Entry[]> {
    const file = await files.open(segment.path, 'r')
    const entries: Entry[] = []
    try {
      for (const { index, sequence, spans, order, offset, length } of segment.stored(maxBytes)) {
        const record = Buffer.allocUnsafeSlow(HEADER_BYTES + length)
        const { bytesRead } = await file.read(record, 0, record.length, offset)
        const body = recordBody(record.subarray(0, bytesRead), sequence)
        // The segment may have been dropped in the meantime, to make room.
        if (!segment.isStored(index)) continue
        if (body === undefined) segment.lose(index)
        else {
          const entry = newEntry({ body: exactCopy([body]), spans }, { since: 0, order, onDisk: true })
          entry.place = segment.hold(index, entry)
          entries.push(entry)
        }
      }
    } finally {
      await file.close().catch(() => undefined)
    }
    return entries
  }

  async function saveCursors(): Promise<void> {
    for (const directory of changed) {
      if (unread.has(directory)) continue
      changed.delete(directory)
      const segments = all().filter(segment => segment.directory === directory)
      const ranges = segments
        .filter(segment => !segment.isDone)
        .map(({ cursor, last }): [number, number] => [cursor, last])
      const last = segments.reduce((high, one) => Math.max(high, one.last), highest.get(directory) ?? 0)
      ranges.push([last + 1, Number.MAX_SAFE_INTEGER])
      await writeCursor(files, directory, ranges).catch(error => {
        // One that cannot be written is tried again, unless its directory is gone.
        if (!isMissing(error)) changed.add(directory)
      })
    }
  }

  function onProgress(segment: Segment): void {
    changed.add(segment.directory)
    if (segment.isDone && !isOpen(segment)) remove(segment)
  }

  function sweep(): void {
    for (const segment of all()) if (segment.isDone && !isOpen(segment)) remove(segment)
  }

  function remove(segment: Segment): void {
    forget(segment)
    unlink(segment.path)
  }

  function forget({ directory, path, last }: Segment): void {
    highest.set(directory, Math.max(highest.get(directory) ?? 0, last))
    for (const list of [adopted, own]) {
      const index = list.findIndex(segment => segment.path === path)
      if (index >= 0) list.splice(index, 1)
    }
  }

  function unlink(path: string): void {
    const deleted = files.unlink(path).catch(() => undefined)
    deleting.add(deleted)
    void deleted.then(() => deleting.delete(deleted))
  }
}

function hasWaiting(segment: Segment): boolean {
  return segment.waiting > 0
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((total, segment) => total + segment.bytes, 0)
}

function isMissing(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ENOENT'
}
