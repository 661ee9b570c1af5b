import { appendFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const maxPendingBytes = 64 * 1024 * 1024

/** Options of `createLineWriter`. */
export interface LineWriterOptions {
  path: string
  /** Path that the file is moved to when it is half full. */
  older: string
  /** Maximum size of both files together, in bytes. */
  maxBytes: number
  /** Size of the file when the writer starts, in bytes. */
  size: number
  warn(message: string): void
}

/** Appends lines to a file in the background, one write at a time. */
export interface LineWriter {
  append(lines: readonly string[]): void
  /** Deletes both files, after the write in progress; rejects if they could not be deleted. */
  clear(): Promise<void>
  /** Resolves when everything is written. */
  flush(): Promise<void>
}

/** Creates a writer with nothing to write. */
export function createLineWriter({ path, older, maxBytes, size, warn }: LineWriterOptions): LineWriter {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let work: Promise<void> = Promise.resolve()
  let scheduled = false
  const warned = new Set<string>()

  const warnOnce = (kind: string, message: string): void => {
    if (!warned.has(kind)) warn(message)
    warned.add(kind)
  }

  /** Removes from the queue as many lines as fit into half of the allowed size. */
  const takePending = (): Buffer => {
    let bytes = 0
    let count = 0
    while (count < pending.length && (count === 0 || bytes + pending[count]!.length <= maxBytes / 2)) {
      bytes += pending[count]!.length
      count += 1
    }
    pendingBytes -= bytes
    return Buffer.concat(pending.splice(0, count), bytes)
  }

  const writePending = async (): Promise<void> => {
    scheduled = false
    while (pending.length > 0) {
      const lines = takePending()
      try {
        // Whole files are dropped, so nothing has to be rewritten and at least half of the allowed size is in use.
        if (size > 0 && size + lines.length > maxBytes / 2) {
          await rename(path, older).catch(ignoreMissing)
          size = 0
        }
        await appendAnew(path, lines)
        size += lines.length
        warned.delete('failed')
      } catch (error) {
        warnOnce('failed', `some traces are not on disk, only in memory: ${(error as Error).message}`)
      }
    }
  }

  return {
    append(lines) {
      for (const text of lines) {
        const line = Buffer.from(`${text}\n`)
        if (pendingBytes + line.length > maxPendingBytes || line.length > maxBytes / 2) {
          warnOnce('full', `some traces are not on disk, only in memory: too much at once for ${path}`)
          continue
        }
        pending.push(line)
        pendingBytes += line.length
      }
      if (pending.length === 0 || scheduled) return
      scheduled = true
      work = work.then(writePending)
    },
    clear() {
      pending = []
      pendingBytes = 0
      const cleared = work.then(async () => {
        size = 0
        await rm(older, { force: true })
        await rm(path, { force: true })
      })
      work = cleared.catch(() => {})
      return cleared
    },
    flush: async () => {
      // A write may be added while another one is awaited.
      for (let last: Promise<void> | undefined; last !== work; ) {
        last = work
        await last
      }
    },
  }
}

/** Appends to a file; creates its folder again if somebody deleted it. */
async function appendAnew(path: string, lines: Buffer): Promise<void> {
  try {
    await appendFile(path, lines, { mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    await appendFile(path, lines, { mode: 0o600 })
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
