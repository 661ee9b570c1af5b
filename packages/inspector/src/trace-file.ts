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
import { encodeJson } from './otlp-encode.ts'
import { decodeJson } from './otlp-json.ts'
import type { OtlpSpan } from './otlp-span.ts'
import { parseScore, type Score } from './score.ts'

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
  load(take: (spans: OtlpSpan[], scores: Score[]) => void): void
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
  let pending: string[] = []
  let pendingBytes = 0
  let emptied = false
  let writing: Promise<void> | undefined
  let warned = false

  const warnOnce = (message: string): void => {
    if (!warned) warn(message)
    warned = true
  }

  const write = async (): Promise<void> => {
    while (emptied || pending.length > 0) {
      const empty = emptied
      emptied = false
      const text = pending.join('')
      const bytes = pendingBytes
      pending = []
      pendingBytes = 0
      try {
        if (empty) {
          size = 0
          await rm(older, { force: true })
          await rm(path, { force: true })
        }
        // Whole files go, never parts of one: nothing has to be rewritten, and half of the room is always used.
        if (size > 0 && size + bytes > maxBytes / 2) {
          await rename(path, older)
          size = 0
        }
        if (text !== '') await appendFile(path, text, { mode: 0o600 })
        size += bytes
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
      const lines = [
        ...(spans.length > 0 ? [encodeJson(spans)] : []),
        ...(scores.length > 0 ? [JSON.stringify({ scores })] : []),
      ]
      for (const line of lines) {
        const bytes = Buffer.byteLength(line) + 1
        if (pendingBytes + bytes > maxPendingBytes || bytes > maxBytes / 2) {
          warnOnce(`Some traces are kept in memory only: ${path} takes no more at once`)
          continue
        }
        pending.push(`${line}\n`)
        pendingBytes += bytes
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

function takeLine(line: Buffer, take: (spans: OtlpSpan[], scores: Score[]) => void): boolean {
  try {
    if (line.subarray(0, 10).toString() === '{"scores":') {
      const { scores } = JSON.parse(line.toString()) as { scores: unknown[] }
      take(
        [],
        scores.flatMap(score => parseScore(score).score ?? []),
      )
      return true
    }
    const { spans, rejections } = decodeJson(line)
    take(spans, [])
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
      const chunk = Buffer.allocUnsafe(chunkBytes)
      const length = readSync(file, chunk)
      if (length === 0) break
      rest = rest.length === 0 ? chunk.subarray(0, length) : Buffer.concat([rest, chunk.subarray(0, length)])
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
