import { join } from 'node:path'
import type { Clock } from '../basics/clock.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { directoryName, livenessOf, thisOwner } from './owner.ts'

/** The directories of this process inside the spool directory: its own, and those it took over. */
export interface Homes {
  /** Makes a directory to write in. */
  create(): Promise<string>
  /** Takes over directories whose owners are gone and that have at most `maxBytes` of segments; each goes to one taker only. */
  claim(maxBytes: number): Promise<string[]>
  /** Shows that the owner of a directory lives. */
  touch(directory: string): Promise<void>
  /** Leaves a directory to whoever wants it. */
  release(directory: string): Promise<void>
  /** Removes a directory, unless there is still a segment in it: then it is released. */
  remove(directory: string): Promise<void>
}

const SIGN_OF_LIFE = 'alive'
const STALE_MS = 20_000
const SEGMENT = /\.log$/

/** Creates the homes of a process below `base`. */
export function createHomes(base: string, { files }: ResolvedSpoolOptions, clock: Clock): Homes {
  const owner = thisOwner()
  const seen = new Map<string, { sign: number; at: number }>()

  return {
    async create() {
      const directory = join(base, directoryName(owner))
      // What people asked a model is nobody else's business.
      await files.mkdir(directory, { recursive: true, mode: 0o700 })
      await touch(directory)
      return directory
    },
    async claim(maxBytes) {
      const claimed: string[] = []
      let room = maxBytes
      const names: string[] = await files.readdir(base).catch(() => [])
      for (const name of seen.keys()) if (!names.includes(name)) seen.delete(name)
      for (const name of names) {
        if (!(await isAbandoned(name))) continue
        const bytes = await bytesIn(join(base, name))
        if (bytes > room) continue
        const directory = join(base, directoryName(owner))
        try {
          await files.rename(join(base, name), directory)
          await touch(directory)
          claimed.push(directory)
          room -= bytes
        } catch {
          // Another process was faster, or the directory cannot be changed.
        }
      }
      return claimed
    },
    touch,
    release,
    async remove(directory) {
      for (const name of [SIGN_OF_LIFE, 'cursor', 'cursor.new'])
        await files.rm(join(directory, name), { force: true })
      await files.rmdir(directory).catch(() => release(directory))
    },
  }

  /** The file system stamps the time of writing; a time set by this machine could differ from another's. */
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

  /** No sign of life for a while by this machine's clock, whatever other clocks say. */
  async function isStale(name: string): Promise<boolean> {
    const stats = await files.stat(join(base, name, SIGN_OF_LIFE)).catch(() => undefined)
    const sign = stats?.mtimeMs ?? 0
    const last = seen.get(name)
    if (last?.sign === sign) return clock.now() - last.at >= STALE_MS
    seen.set(name, { sign, at: clock.now() })
    return false
  }

  async function bytesIn(directory: string): Promise<number> {
    const names = await files.readdir(directory).catch(() => [])
    const sizes = await Promise.all(
      names
        .filter(name => SEGMENT.test(name))
        .map(name =>
          files.stat(join(directory, name)).then(
            ({ size }) => size,
            () => 0,
          ),
        ),
    )
    return sizes.reduce((total, size) => total + size, 0)
  }
}

/** The segment files of a directory, oldest first. */
export async function segmentNames(directory: string, { files }: ResolvedSpoolOptions): Promise<string[]> {
  const names = await files.readdir(directory)
  return names
    .filter(name => SEGMENT.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}
