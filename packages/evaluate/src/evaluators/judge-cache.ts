import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Verdicts of a judge by the digest of everything that led to them, one file each. */
export interface JudgeCache {
  read(key: string): Promise<unknown>
  write(key: string, verdict: unknown): Promise<void>
}

/** Creates a cache in a folder; one that cannot be written costs calls, not the run. */
export function createJudgeCache(folder: string): JudgeCache {
  const fileOf = (key: string) => join(folder, `${key}.json`)
  return {
    async read(key) {
      try {
        return JSON.parse(await readFile(fileOf(key), 'utf8'))
      } catch {
        return undefined
      }
    },
    async write(key, verdict) {
      try {
        await mkdir(folder, { recursive: true })
        // Two runs may share the folder: a reader must never see half a file.
        const partial = `${fileOf(key)}.${process.pid}.tmp`
        await writeFile(partial, JSON.stringify(verdict))
        await rename(partial, fileOf(key))
      } catch {}
    },
  }
}
