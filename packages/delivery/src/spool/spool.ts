import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../basics/clock.ts'
import type { Ledger } from '../queue/ledger.ts'
import type { Entry } from '../queue/queue.ts'
import { type Archive, createArchive } from './archive.ts'
import { createHomes } from './homes.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { HEADER_BYTES } from './record-format.ts'
import type { Segment } from './segment.ts'
import { createSegmentWriter } from './writer.ts'

/** What is worth a log line. */
export interface SpoolEvents {
  spoolFailed(code: string): void
  spoolRecovered(): void
  adopted(spans: number): void
}

/** Keeps records on disk until they are delivered. Nothing it does throws or rejects. */
export interface Spool {
  /** Writes the record of an entry, then calls `written`; where that fails the entry stays in memory only. */
  append(entry: Entry, written: () => void): void
  /** Bytes of entries whose writing has not ended. */
  readonly pendingBytes: number
  /** True where there are records that are on disk only and can be read. */
  readonly hasBacklog: boolean
  /** Reads the oldest of those into memory. */
  read(): Promise<Entry[]>
  /** Bytes on disk. */
  readonly bytes: number
  /** Why it does not write at present: `ENOSPC`. */
  readonly failure: string | undefined
  /** Resolves when everything appended is written and forced to disk. */
  sync(): Promise<void>
  /** Leaves what is not settled to the next process. */
  close(): Promise<void>
}

export interface CreateSpoolOptions {
  options: ResolvedSpoolOptions
  /** Names the destination: what was kept for one is never sent to another. */
  destination: string
  ledger: Ledger
  clock: Clock
  events: SpoolEvents
  /** Called when there may be something to read. */
  changed: () => void
}

interface Pending {
  entry: Entry
  written: () => void
}

const WRITE_BYTES = 1024 * 1024
const RETRY_MS = 5000
const STALL_MS = 5000
const SYNC_MS = 1000
const TOUCH_MS = 2000

/** Creates a spool and begins to look for what dead processes left. */
export function createSpool({
  options,
  destination,
  ledger,
  clock,
  events,
  changed,
}: CreateSpoolOptions): Spool {
  const base = join(options.directory, createHash('sha256').update(destination).digest('hex').slice(0, 16))
  const homes = createHomes(base, options, clock)
  const archive: Archive = createArchive({ options, ledger, isOpen: segment => segment === writer.segment })
  const writer = createSegmentWriter(options, nextSegment)
  const directories = new Set<string>()
  let home: string | undefined
  let segments = 0
  let pending: Pending[] = []
  let pendingBytes = 0
  let writing: Promise<void> | undefined
  let stalled = false
  let failure: string | undefined
  let failedAt = Number.NEGATIVE_INFINITY
  let unreadableUntil = Number.NEGATIVE_INFINITY
  let closed = false
  const chores = [
    repeat(options.adoptIntervalMs, adopt),
    repeat(TOUCH_MS, touch),
    repeat(SYNC_MS, async () => {
      if (options.fsync === 'interval') await writer.sync().catch(fail)
      await archive.saveCursors()
      if (archive.oldestWaiting !== undefined) changed()
    }),
  ]

  return {
    append(entry, written) {
      if (closed || stalled || (failure !== undefined && clock.now() < failedAt + RETRY_MS)) {
        written()
        return
      }
      pending.push({ entry, written })
      pendingBytes += entry.body.length
      writing ??= writePending()
    },
    get pendingBytes() {
      return pendingBytes
    },
    get hasBacklog() {
      return archive.oldestWaiting !== undefined && clock.now() >= unreadableUntil
    },
    async read() {
      const segment = archive.oldestWaiting
      if (segment === undefined || closed) return []
      try {
        return await archive.read(segment)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') archive.drop(segment, 'spool_corrupt')
        else unreadableUntil = clock.now() + RETRY_MS
        return []
      }
    },
    get bytes() {
      return archive.bytes
    },
    get failure() {
      return failure
    },
    async sync() {
      await writing
      if (options.fsync !== 'never') await writer.sync().catch(fail)
    },
    async close() {
      if (closed) return
      await writing
      closed = true
      await Promise.all(chores.map(chore => chore.stop()))
      await writer.end()
      archive.sweep()
      await archive.settled()
      await archive.saveCursors()
      for (const directory of directories) await leave(directory)
    },
  }

  async function writePending(): Promise<void> {
    // What comes in during one turn of the event loop is written together.
    await Promise.resolve()
    while (pending.length > 0) {
      const group = takeGroup()
      const cancelStall = clock.after(STALL_MS, () => abandon(group))
      const place = await write(group).catch(fail)
      cancelStall()
      if (place !== undefined) settle(group, place)
      release(group)
    }
    writing = undefined
  }

  function takeGroup(): Pending[] {
    let bytes = 0
    const end = pending.findIndex(({ entry }, index) => {
      bytes += entry.body.length
      return index > 0 && bytes > Math.min(WRITE_BYTES, options.segmentBytes)
    })
    return pending.splice(0, end < 0 ? pending.length : end)
  }

  async function write(
    group: readonly Pending[],
  ): Promise<{ segment: Segment; sequence: number } | undefined> {
    const size = group.reduce((total, { entry }) => total + entry.body.length + HEADER_BYTES, 0)
    if (size > options.maxBytes) return undefined
    while (archive.bytes + size > options.maxBytes && archive.oldest !== undefined) {
      const { oldest } = archive
      if (oldest === writer.segment) await writer.end()
      archive.drop(oldest, 'spool_full')
    }
    const place = await writer.write(group.map(({ entry }) => entry))
    if (failure !== undefined) events.spoolRecovered()
    failure = undefined
    return place
  }

  function settle(
    group: readonly Pending[],
    { segment, sequence }: { segment: Segment; sequence: number },
  ): void {
    for (const [index, { entry }] of group.entries()) {
      entry.place = segment.hold(sequence + index, entry)
      // Where the disk took too long the entry has gone its way, and its copy would only be sent again.
      if (stalled) entry.place.settle(entry)
      else ledger.setOnDisk(entry, true)
    }
  }

  function release(group: readonly Pending[]): void {
    if (stalled) {
      stalled = false
      return
    }
    for (const { entry, written } of group) {
      pendingBytes -= entry.body.length
      written()
    }
  }

  /** The disk hangs: memory goes on alone until it moves again. */
  function abandon(group: readonly Pending[]): void {
    const all = [...group, ...pending]
    pending = []
    release(all)
    stalled = true
    fail(Object.assign(new Error('the disk does not answer'), { code: 'ETIMEDOUT' }))
  }

  function fail(error: unknown): undefined {
    failedAt = clock.now()
    if (failure === undefined) events.spoolFailed(codeOf(error))
    failure = codeOf(error)
    return undefined
  }

  async function nextSegment(): Promise<Segment> {
    archive.sweep()
    home ??= await homes.create()
    directories.add(home)
    segments += 1
    return archive.add(home, `${String(segments).padStart(8, '0')}.log`)
  }

  async function adopt(): Promise<void> {
    const room = archive.isEmpty ? Number.POSITIVE_INFINITY : options.maxBytes - archive.bytes
    let spans = 0
    for (const directory of await homes.claim(room)) {
      spans += await archive.adopt(directory)
      directories.add(directory)
    }
    if (spans === 0) return
    events.adopted(spans)
    changed()
  }

  async function touch(): Promise<void> {
    for (const directory of directories) {
      if (directory !== home && !archive.holds(directory)) {
        directories.delete(directory)
        await homes.remove(directory)
        continue
      }
      try {
        await homes.touch(directory)
      } catch (error) {
        // Somebody has removed it: begin again elsewhere.
        if (codeOf(error) === 'ENOENT' && directory === home) home = undefined
      }
    }
  }

  async function leave(directory: string): Promise<void> {
    try {
      if (archive.holds(directory)) await homes.release(directory)
      else await homes.remove(directory)
    } catch {
      // It stays under the name of this process, and is found once that is gone.
    }
  }

  /** Runs `work` now and again `everyMs` after it has ended. */
  function repeat(everyMs: number, work: () => Promise<void>): { stop: () => Promise<void> } {
    let cancel = (): void => undefined
    let running = run()
    return {
      stop() {
        cancel()
        return running
      },
    }

    async function run(): Promise<void> {
      await Promise.resolve()
      await work().catch(() => undefined)
      if (closed) return
      cancel = clock.after(everyMs, () => {
        running = run()
      })
    }
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
