import { mkdirSync, renameSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../basics/clock.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { directoryName, livenessOf, thisOwner } from './owner.ts'

/** A directory that was taken over. */
interface ClaimedDirectory {
  readonly directory: string
  /** Size of its segments. */
  readonly bytes: number
}

/** The directories inside the spool directory: each process writes into one of its own and takes over those of dead processes. */
export interface Directories {
  /** Makes a directory to write in. */
  create(): Promise<string>
  /** The same without waiting, for the exit of a process. */
  createNow(): string
  /** Takes over one directory whose owner is gone, of at most `maxBytes`. Only one process succeeds for each. */
  claim(maxBytes: number): Promise<ClaimedDirectory | undefined>
  /** Shows that the owner of a directory is alive. */
  touch(directory: string): Promise<void>
  /** Leaves a directory to any process that wants it. */
  release(directory: string): Promise<void>
  /** The same without waiting. */
  releaseNow(directory: string): void
  /** Removes a directory; if there is still a segment in it, it is released instead. */
  remove(directory: string): Promise<void>
}

const SIGN_OF_LIFE = 'alive'
const STALE_MS = 20_000
const SEGMENT = /^\d+\.log$/
// What people ask a model is private.
const MODE = 0o700

/** Creates the directories of a process below `base`. */
export function createDirectories(
  base: string,
  { files, fsync }: ResolvedSpoolOptions,
  clock: Clock,
): Directories {
  const owner = thisOwner()
  const seen = new Map<string, { sign: number; at: number }>()

  return {
    async create() {
      const directory = join(base, directoryName(owner))
      await files.mkdir(directory, { recursive: true, mode: MODE })
      if (fsync !== 'never') for (const path of [base, dirname(base)]) await syncDirectory(path)
      // Without a sign of life it is taken over once the process is gone, as it should be.
      await touch(directory).catch(() => undefined)
      return directory
    },
    createNow() {
      const directory = join(base, directoryName(owner))
      mkdirSync(directory, { recursive: true, mode: MODE })
      return directory
    },
    async claim(maxBytes) {
      const names: string[] = await files.readdir(base).catch(() => [])
      for (const name of seen.keys()) if (!names.includes(name)) seen.delete(name)
      for (const name of names) {
        if (!(await isAbandoned(name))) continue
        const bytes = await bytesIn(join(base, name))
        if (bytes > maxBytes) continue
        const directory = join(base, directoryName(owner))
        try {
          await files.rename(join(base, name), directory)
        } catch {
          // Another process was faster, or the directory cannot be changed.
          continue
        }
        // From here on it is ours, whatever fails.
        await touch(directory).catch(() => undefined)
        return { directory, bytes }
      }
      return undefined
    },
    touch,
    release,
    releaseNow: directory => renameSync(directory, join(base, directoryName(undefined))),
    async remove(directory) {
      for (const name of [SIGN_OF_LIFE, 'cursor', 'cursor.new'])
        await files.rm(join(directory, name), { force: true })
      await files.rmdir(directory).catch(error => {
        if (error.code !== 'ENOENT') return release(directory)
      })
    },
  }

  /** The file system sets the time: the clocks of two machines may differ. */
  async function touch(directory: string): Promise<void> {
    await files.writeFile(join(directory, SIGN_OF_LIFE), '')
  }

  async function release(directory: string): Promise<void> {
    await files.rename(directory, join(base, directoryName(undefined)))
  }

  async function isAbandoned(name: string): Promise<boolean> {
    const liveness = livenessOf(name, owner)
    return liveness === 'dead' || (liveness === 'unsure' && (await isStale(name)))
  }

  /** True if there was no sign of life for a while by this machine's clock, whatever other clocks say. */
  async function isStale(name: string): Promise<boolean> {
    const stats = await files.stat(join(base, name, SIGN_OF_LIFE)).catch(() => undefined)
    const sign = stats?.mtimeMs ?? 0
    const last = seen.get(name)
    if (last?.sign === sign) return clock.now() - last.at >= STALE_MS
    seen.set(name, { sign, at: clock.now() })
    return false
  }

  async function bytesIn(directory: string): Promise<number> {
    const names: string[] = await files.readdir(directory).catch(() => [])
    let bytes = 0
    for (const name of names.filter(name => SEGMENT.test(name)))
      bytes += (await files.stat(join(directory, name)).catch(() => undefined))?.size ?? 0
    return bytes
  }
}

/** The segment files of a directory, oldest first. */
export async function segmentNames(directory: string, { files }: ResolvedSpoolOptions): Promise<string[]> {
  const names = await files.readdir(directory)
  return names
    .filter(name => SEGMENT.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}

/** Forces the names in a directory to disk; Windows refuses that. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await openFile(path, 'r')
    await directory.sync().finally(() => directory.close())
  } catch {
    // Everything possible has been done.
  }
}
