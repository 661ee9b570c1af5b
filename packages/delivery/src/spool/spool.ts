import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../basics/clock.ts'
import type { Ledger } from '../queue/ledger.ts'
import type { Entry } from '../queue/queue.ts'
import { createArchive } from './archive.ts'
import { createChore } from './chore.ts'
import { createDirectories } from './directories.ts'
import type { SpoolEvents } from './events.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { createPendingWrites } from './pending-writes.ts'
import { HEADER_BYTES } from './record-format.ts'
import { createTenure } from './tenure.ts'
import { createSegmentWriter, MOVED, type Written } from './writer.ts'

/** Keeps records on disk until they are delivered. Nothing it does throws or rejects. */
export interface Spool {
  /**
   * Writes the record of an entry, then calls `written`; if that fails, the entry stays in memory only. A disk that failed a moment ago is
   * tried only if `force` is true.
   */
  append(entry: Entry, written: () => void, force?: boolean): void
  /**
   * Writes entries that wait in memory, as far as there is room: after the disk could not be written, or after its files have disappeared.
   */
  save(entries: readonly Entry[]): void
  /** Writes entries, and those still being written, without waiting. For the exit of a process. */
  writeNow(entries: readonly Entry[]): void
  /** Memory that entries being written take. */
  readonly pendingBytes: number
  /** True if there are records that are on disk only and can be read. */
  readonly hasBacklog: boolean
  /** Reads the oldest of them into memory, about `maxBytes` at once. */
  read(maxBytes: number): Promise<Entry[]>
  /** Size of the files on disk. */
  readonly bytes: number
  /** Why it does not write at present: `ENOSPC`. */
  readonly failure: string | undefined
  /** Resolves when everything appended is written and forced to disk. */
  sync(): Promise<void>
  /** Leaves what is still needed to the next process. */
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
  /** Called when entries that wait in memory without a copy on disk can be saved. */
  ready: () => void
}

const RETRY_MS = 5000
const SYNC_MS = 1000

/** Creates a spool and begins to look for what dead processes left. */
export function createSpool(parts: CreateSpoolOptions): Spool {
  const { options, destination, ledger, clock, events, changed, ready } = parts
  const base = join(options.directory, createHash('sha256').update(destination).digest('hex').slice(0, 16))
  const directories = createDirectories(base, options, clock)
  const archive = createArchive({ options, ledger, isOpen: segment => segment === writer.segment })
  const tenure = createTenure({ options, clock, directories, archive, events, changed })
  const writer = createSegmentWriter(options, async () => {
    archive.sweep()
    const directory = await tenure.home()
    return archive.add(directory, tenure.nextName())
  })
  const health = createHealth(clock, events)
  const pending = createPendingWrites({ options, clock, ledger, write, failed: health.fail })
  let unreadableUntil = Number.NEGATIVE_INFINITY
  let closed = false
  const saving = createChore(clock, SYNC_MS, async () => {
    if (options.fsync === 'interval') await writer.sync().catch(health.fail)
    await archive.saveCursors()
    if (!closed && pending.bytes === 0 && !pending.isStalled && health.mayTry()) ready()
    if (archive.oldestWaiting !== undefined) changed()
  })

  return {
    append(entry, written, force = false) {
      if (closed || pending.isStalled || !(force || health.mayTry())) written()
      else pending.add(entry, written)
    },
    save(entries) {
      let room = options.maxBytes - archive.ownBytes
      for (const entry of entries) {
        room -= sizeOf([entry])
        if (room < 0) return
        pending.add(entry, () => undefined)
      }
    },
    writeNow(entries) {
      const all = [...new Set([...pending.entries(), ...entries])].filter(entry => !entry.isDone)
      if (closed) return
      closed = true
      void saving.stop()
      void tenure.stop()
      if (pending.isStalled || all.length === 0) return tenure.leaveNow()
      try {
        writer.writeNow(join(tenure.homeNow(), tenure.nextName()), all)
        for (const entry of all) ledger.setOnDisk(entry, true)
      } catch (error) {
        health.fail(error)
      }
      tenure.leaveNow()
    },
    get pendingBytes() {
      return pending.bytes
    },
    get hasBacklog() {
      return archive.oldestWaiting !== undefined && clock.now() >= unreadableUntil
    },
    async read(maxBytes) {
      const segment = archive.oldestWaiting
      if (segment === undefined || closed) return []
      try {
        return await archive.read(segment, maxBytes)
      } catch (error) {
        unreadableUntil = clock.now() + RETRY_MS
        if (codeOf(error) !== 'ENOENT') return []
        unreadableUntil = Number.NEGATIVE_INFINITY
        await archive.verify()
        return []
      }
    },
    get bytes() {
      return archive.bytes
    },
    get failure() {
      return health.failure
    },
    async sync() {
      await pending.written()
      if (options.fsync !== 'never') await writer.sync().catch(health.fail)
    },
    async close() {
      if (closed) return
      await pending.written()
      closed = true
      await Promise.all([saving.stop(), tenure.stop()])
      await writer.end()
      // What is reported as spooled must be there.
      await archive.verify()
      archive.sweep()
      await archive.deleted()
      await archive.saveCursors()
      await tenure.leave()
    },
  }

  /** Makes room among the files of this process alone: what was taken over is never dropped for something newer. */
  async function write(entries: readonly Entry[]): Promise<Written | undefined> {
    const size = sizeOf(entries)
    if (size > options.maxBytes) return undefined
    while (archive.ownBytes + size > options.maxBytes && archive.oldestOwn !== undefined) {
      const oldest = archive.oldestOwn
      if (oldest === writer.segment) await writer.end()
      archive.drop(oldest, 'spool_full')
    }
    const written = await writer.write(entries).catch(error => writeElsewhere(error, entries))
    health.recover()
    return written
  }

  /** If the file or its directory has disappeared, begins in a new directory. */
  async function writeElsewhere(error: NodeJS.ErrnoException, entries: readonly Entry[]): Promise<Written> {
    if (error.code !== 'ENOENT' && error.code !== MOVED) throw error
    tenure.moveOut()
    await archive.verify()
    return writer.write(entries)
  }
}

/** Whether the disk can be written. */
function createHealth(clock: Clock, events: SpoolEvents) {
  let failure: string | undefined
  let failedAt = Number.NEGATIVE_INFINITY

  return {
    get failure() {
      return failure
    },
    /** While the disk fails, true every few seconds. */
    mayTry: () => failure === undefined || clock.now() >= failedAt + RETRY_MS,
    fail(error: unknown): undefined {
      failedAt = clock.now()
      if (failure === undefined) events.spoolFailed(codeOf(error))
      failure = codeOf(error)
      return undefined
    },
    recover(): void {
      if (failure !== undefined) events.spoolRecovered()
      failure = undefined
    },
  }
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((total, { body }) => total + body.length + HEADER_BYTES, 0)
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
