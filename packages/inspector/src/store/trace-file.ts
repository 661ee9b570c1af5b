import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { appendFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { decodeJson } from '../otlp/otlp-json.ts'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { parseScore, type Score } from '../reading/score.ts'
import { encodeLines, readHead } from './stored-line.ts'
import type { Stored } from './trace-store.ts'

const maxPendingBytes = 64 * 1024 * 1024
const chunkBytes = 4 * 1024 * 1024
const newline = 10

/** Where traces are kept over restarts. */
export interface TraceFileOptions {
  path: string
  /** Of the file and its predecessor together. */
  maxBytes: number
  warn(message: string): void
}

/** An append-only file of OTLP/JSON lines. */
export interface TraceFile {
  /** Hands over what is in the file, in the order it was written. */
  load(take: (kept: Stored) => void): void
  append(spans: OtlpSpan[], scores: Score[]): void
  clear(): void
  /** Resolves when everything is written. */
  close(): Promise<void>
}

/** Opens a file for this process alone; `undefined` where another one has it, or it cannot be written. */
export function openTraceFile({ path, maxBytes, warn }: TraceFileOptions): TraceFile | undefined {
  const older = `${path}.old`
  const lock = `${path}.lock`
  try {
    prepare(path, lock)
  } catch (error) {
    warn(`Traces are kept in memory only: ${(error as Error).message}`)
    return undefined
  }
  let size = sizeOf(path)
  let pending: Buffer[] = []
  let pendingBytes = 0
  let emptied = false
  let writing: Promise<void> | undefined
  let warned = false

  const warnOnce = (message: string): void => {
    if (!warned) warn(message)
    warned = true
  }

  /** As many lines as half of the room holds. */
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

  const write = async (): Promise<void> => {
    while (emptied || pending.length > 0) {
      const empty = emptied
      emptied = false
      const lines = takePending()
      try {
        if (empty) {
          size = 0
          await rm(older, { force: true })
          await rm(path, { force: true })
        }
        // Whole files go, never parts of one: nothing has to be rewritten, and half of the room is always used.
        if (size > 0 && size + lines.length > maxBytes / 2) {
          await rename(path, older)
          size = 0
        }
        if (lines.length > 0) await appendFile(path, lines, { mode: 0o600 })
        size += lines.length
      } catch (error) {
        warnOnce(`Traces are kept in memory only: ${(error as Error).message}`)
      }
    }
    writing = undefined
  }

  return {
    load(take) {
      let broken = 0
      for (const file of [older, path]) {
        for (const line of readLines(file, maxBytes)) if (!takeLine(line, take)) broken += 1
      }
      if (broken > 0) warn(`${broken} lines of ${path} could not be read and are left out`)
    },
    append(spans, scores) {
      const lines = [...encodeLines(spans), ...(scores.length > 0 ? [JSON.stringify({ scores })] : [])]
      for (const text of lines) {
        const line = Buffer.from(`${text}\n`)
        if (pendingBytes + line.length > maxPendingBytes || line.length > maxBytes / 2) {
          warnOnce(`Some traces are kept in memory only: ${path} takes no more at once`)
          continue
        }
        pending.push(line)
        pendingBytes += line.length
      }
      writing ??= write()
    },
    clear() {
      pending = []
      pendingBytes = 0
      // In turn with the writes: one under way would bring back what is to be forgotten.
      emptied = true
      writing ??= write()
    },
    async close() {
      await writing
      rmSync(lock, { force: true })
    },
  }
}

function prepare(path: string, lock: string): void {
  const folder = dirname(path)
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true })
    // Traces hold what users wrote: they should not end up in a repository.
    if (basename(folder) === '.langfuse') writeFileSync(join(folder, '.gitignore'), '*\n')
  }
  if (existsSync(lock)) {
    const owner = Number(readFileSync(lock, 'utf8'))
    if (owner !== process.pid && isRunning(owner)) throw new Error(`${path} belongs to process ${owner}`)
    rmSync(lock, { force: true })
  }
  writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 })
  endLastLine(path)
}

/** A crash in the middle of a write leaves half a line, which must not swallow the next one. */
function endLastLine(path: string): void {
  const file = openSync(path, 'a+', 0o600)
  try {
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== newline)
      writeFileSync(file, '\n')
  } finally {
    closeSync(file)
  }
}

function isRunning(processId: number): boolean {
  try {
    return Number.isInteger(processId) && processId > 0 && process.kill(processId, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function sizeOf(path: string): number {
  const file = openSync(path, 'r')
  try {
    return fstatSync(file).size
  } finally {
    closeSync(file)
  }
}

function takeLine(line: Buffer, take: (kept: Stored) => void): boolean {
  try {
    const trace = readHead(line)
    if (trace) {
      take({ trace, spans: [], scores: [] })
      return true
    }
    if (line.toString('latin1', 0, 10) === '{"scores":') {
      const { scores } = JSON.parse(line.toString()) as { scores: unknown[] }
      take({ spans: [], scores: scores.flatMap(score => parseScore(score).score ?? []) })
      return true
    }
    const { spans, rejections } = decodeJson(line)
    take({ spans, scores: [] })
    return rejections.length === 0
  } catch {
    return false
  }
}

function* readLines(path: string, maxLineBytes: number): Generator<Buffer> {
  if (!existsSync(path)) return
  const file = openSync(path, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const chunk = Buffer.allocUnsafe(rest.length + chunkBytes)
      rest.copy(chunk)
      const length = readSync(file, chunk, rest.length, chunkBytes, null)
      if (length === 0) break
      rest = chunk.subarray(0, rest.length + length)
      let start = 0
      for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline, start)) {
        if (end > start) yield rest.subarray(start, end)
        start = end + 1
      }
      rest = rest.subarray(start)
      if (rest.length > maxLineBytes) return
    }
    if (rest.length > 0) yield rest
  } finally {
    closeSync(file)
  }
}
