import type { Clock } from '../basics/clock.ts'
import { withGetters } from '../basics/with-getters.ts'
import type { Ledger } from '../queue/ledger.ts'
import { type Entry, sizeOfEntry } from '../queue/queue.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import type { Written } from './writer.ts'

/** Entries on their way to the disk, which are written in groups. */
export interface PendingWrites {
  /** Memory that they take. */
  readonly bytes: number
  /** True while the disk does not answer. */
  readonly isStalled: boolean
  /** Writes an entry, then calls `written`, whether that succeeded or not. */
  add(entry: Entry, written: () => void): void
  entries(): readonly Entry[]
  /** Resolves when everything added is written. */
  written(): Promise<void>
}

export interface PendingWritesOptions {
  options: Pick<ResolvedSpoolOptions, 'segmentBytes'>
  clock: Clock
  ledger: Ledger
  write: (entries: readonly Entry[]) => Promise<Written | undefined>
  failed: (error: unknown) => undefined
}

interface Pending {
  entry: Entry
  written: () => void
}

const WRITE_BYTES = 1024 * 1024
const STALL_MS = 5000

/** Creates an empty list of pending writes. */
export function createPendingWrites(parts: PendingWritesOptions): PendingWrites {
  const { options, clock, ledger, write, failed } = parts
  // What is being written is at its head.
  let pending: Pending[] = []
  let bytes = 0
  let writing: Promise<void> | undefined
  let isStalled = false

  return withGetters({
    get bytes() {
      return bytes
    },
    get isStalled() {
      return isStalled
    },
    add(entry, written) {
      pending.push({ entry, written })
      bytes += sizeOfEntry(entry)
      writing ??= writeAll()
    },
    entries: () => pending.map(({ entry }) => entry),
    async written() {
      await writing
    },
  })

  async function writeAll(): Promise<void> {
    // What comes in during one tick of the event loop is written together.
    await Promise.resolve()
    while (pending.length > 0) {
      const group = nextGroup()
      const entries = group.map(({ entry }) => entry)
      const cancelStall = clock.after(STALL_MS, giveUp)
      const written = await write(entries).catch(failed)
      cancelStall()
      if (written !== undefined) note(entries, written)
      // After a stall they were let go already.
      if (isStalled) isStalled = false
      else letGo(group)
    }
    writing = undefined
  }

  function nextGroup(): Pending[] {
    let size = 0
    const end = pending.findIndex(({ entry }, index) => {
      size += entry.body.length
      return index > 0 && size > Math.min(WRITE_BYTES, options.segmentBytes)
    })
    return pending.slice(0, end < 0 ? pending.length : end)
  }

  function note(entries: readonly Entry[], { segment, index }: Written): void {
    for (const [position, entry] of entries.entries()) {
      const place = segment.hold(index + position, entry)
      // While it was being written it may have been sent, dropped, or split into pieces.
      if (entry.isDone) place.discard(entry)
      else {
        entry.place = place
        ledger.setOnDisk(entry, true)
      }
    }
  }

  /** The disk does not answer: memory goes on alone until it does. */
  function giveUp(): void {
    letGo([...pending])
    isStalled = true
    failed(Object.assign(new Error('the disk does not answer'), { code: 'ETIMEDOUT' }))
  }

  function letGo(group: readonly Pending[]): void {
    pending = pending.slice(group.length)
    for (const { entry, written } of group) {
      bytes -= sizeOfEntry(entry)
      written()
    }
  }
}
