import { decodeJson } from '../otlp/otlp-json.ts'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { parseScore, type Score } from '../reading/score.ts'
import { readLines } from './file-lines.ts'
import { lockFile } from './file-lock.ts'
import { createLineWriter } from './line-writer.ts'
import { encodeLines, readHead, type Summariser } from './stored-line.ts'
import type { Stored } from './trace-store.ts'

/** Options of `openTraceFile`. */
export interface TraceFileOptions {
  path: string
  /** Maximum size of the file and its predecessor together, in bytes. */
  maxBytes: number
  summariser: Summariser
  warn(message: string): void
}

/** An append-only file of OTLP/JSON lines. */
export interface TraceFile {
  /** Reads the file, oldest lines first. */
  load(take: (kept: Stored) => void): void
  append(spans: OtlpSpan[], scores: Score[]): void
  /** Deletes what is on disk; rejects if that failed. */
  clear(): Promise<void>
  /** Resolves when everything is written. */
  close(): Promise<void>
}

/** Opens a file for this process alone; returns `undefined` if another process has it or it is not writable. */
export function openTraceFile({ path, maxBytes, summariser, warn }: TraceFileOptions): TraceFile | undefined {
  const older = `${path}.old`
  let lock: ReturnType<typeof lockFile>
  try {
    lock = lockFile(path)
  } catch (error) {
    warn(`traces are kept in memory only: ${(error as Error).message}`)
    return undefined
  }
  const writer = createLineWriter({ path, older, maxBytes, size: lock.size, warn })

  return {
    load(take) {
      let broken = 0
      for (const file of [older, path]) {
        for (const line of readLines(file, maxBytes)) if (!takeLine(line, summariser, take)) broken += 1
      }
      if (broken > 0) warn(`skipped ${broken} lines of ${path} that could not be read`)
    },
    append(spans, scores) {
      writer.append([
        ...encodeLines(spans, summariser),
        ...(scores.length > 0 ? [JSON.stringify({ scores })] : []),
      ])
    },
    clear: writer.clear,
    async close() {
      await writer.flush()
      lock.release()
    },
  }
}

function takeLine(line: Buffer, summariser: Summariser, take: (kept: Stored) => void): boolean {
  try {
    const trace = readHead(line, summariser)
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
