import type { Clock } from '../basics/clock.ts'
import type { Archive } from './archive.ts'
import { createChore } from './chore.ts'
import type { Directories } from './directories.ts'
import type { SpoolEvents } from './events.ts'
import type { ResolvedSpoolOptions } from './options.ts'

/** Keeps the directories that belong to this process: its own, and those it took over. */
export interface Tenure {
  /** The directory to write in, which is made when it is first needed. */
  home(): Promise<string>
  homeNow(): string
  /** Forgets the directory to write in, which has disappeared. */
  moveOut(): void
  /** A name for the next file in it. */
  nextName(): string
  stop(): Promise<void>
  /** Leaves every directory to the next process, or removes it if it is empty. */
  leave(): Promise<void>
  /** Leaves every directory without waiting. */
  leaveNow(): void
}

export interface TenureOptions {
  options: ResolvedSpoolOptions
  clock: Clock
  directories: Directories
  archive: Archive
  events: Pick<SpoolEvents, 'adopted'>
  /** Called when there may be something to read. */
  changed: () => void
}

const TOUCH_MS = 2000

/** Begins to take over what dead processes left, and to show that this one is alive. */
export function createTenure(parts: TenureOptions): Tenure {
  const { options, clock, directories, archive, events, changed } = parts
  const held = new Set<string>()
  let home: string | undefined
  let files = 0
  const chores = [
    createChore(clock, options.adoptIntervalMs, adopt),
    createChore(clock, TOUCH_MS, async () => {
      for (const directory of held) await keep(directory)
      await archive.verify()
    }),
  ]

  return {
    async home() {
      home ??= await directories.create()
      held.add(home)
      return home
    },
    homeNow() {
      home ??= directories.createNow()
      held.add(home)
      return home
    },
    moveOut() {
      if (home !== undefined) held.delete(home)
      home = undefined
    },
    nextName() {
      files += 1
      return `${String(files).padStart(8, '0')}.log`
    },
    async stop() {
      await Promise.all(chores.map(chore => chore.stop()))
    },
    async leave() {
      for (const directory of held) {
        const isNeeded = archive.holds(directory)
        const left = isNeeded ? directories.release(directory) : directories.remove(directory)
        // It stays under the name of this process, and is found once that is gone.
        await left.catch(() => undefined)
      }
    },
    leaveNow() {
      for (const directory of held) {
        try {
          directories.releaseNow(directory)
        } catch {
          // As above.
        }
      }
    },
  }

  /** Takes over as much as this process may keep itself, and at least one directory: the others are safe where they are. */
  async function adopt(): Promise<void> {
    let spans = await archive.adoptUnread()
    for (;;) {
      const isFirst = archive.adoptedBytes === 0
      const room = isFirst ? Number.POSITIVE_INFINITY : options.maxBytes - archive.adoptedBytes
      const claimed = await directories.claim(room)
      if (claimed === undefined) break
      held.add(claimed.directory)
      spans += await archive.adopt(claimed.directory)
    }
    if (spans === 0) return
    events.adopted(spans)
    changed()
  }

  async function keep(directory: string): Promise<void> {
    if (directory !== home && !archive.holds(directory)) {
      held.delete(directory)
      return directories.remove(directory)
    }
    try {
      await directories.touch(directory)
    } catch (error) {
      // Somebody has removed it or taken it over: begin again elsewhere.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return
      held.delete(directory)
      if (directory === home) home = undefined
    }
  }
}
