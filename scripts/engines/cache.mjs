import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Folder of what is downloaded or built once for a machine. */
const cacheFolder = process.env.LANGFUSE_MIDDLEWARE_CACHE ?? join(homedir(), '.cache', 'langfuse-middleware')

/** Returns the folder `name` of the cache, which `fill` has filled if it was not there. Several processes may ask at once. */
export async function cached(name, fill) {
  const folder = join(cacheFolder, name)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}.${Date.now()}`
  mkdirSync(unfinished, { recursive: true })
  try {
    await fill(unfinished)
    renameSync(unfinished, folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
