import { appendFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/** Decisions on traces, for spans that come later. Bounded: past the limit, the oldest half is forgotten. */
export interface Decisions {
  /** True if the trace was kept, false if it was dropped, undefined if it is not known. */
  get(traceId: string): boolean | undefined
  /** Writes decisions down before anything of the traces is acknowledged. Throws if the file cannot be written. */
  add(decisions: readonly (readonly [traceId: string, keep: boolean])[]): void
}

const RECORD_BYTES = 17

/** Opens the decisions in a directory. Throws if it cannot be made. */
export function openDecisions(directory: string, maxDecisions: number): Decisions {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'decisions')
  const olderFile = join(directory, 'decisions-older')
  let older = readDecisions(olderFile)
  let newer = readDecisions(file)

  return {
    get: traceId => newer.get(traceId) ?? older.get(traceId),
    add(decisions) {
      if (decisions.length === 0) return
      if (newer.size + decisions.length > maxDecisions / 2 && newer.size > 0) {
        renameSync(file, olderFile)
        older = newer
        newer = new Map()
      }
      const records = decisions.map(([traceId, keep]) =>
        Buffer.concat([Buffer.from(traceId.padStart(32, '0'), 'hex'), Buffer.of(keep ? 1 : 0)]),
      )
      appendFileSync(file, Buffer.concat(records))
      for (const [traceId, keep] of decisions) newer.set(traceId, keep)
    },
  }
}

/** A record that was cut off by a crash is left out: nothing of its trace was acknowledged. */
function readDecisions(file: string): Map<string, boolean> {
  const decisions = new Map<string, boolean>()
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return decisions
    throw error
  }
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    decisions.set(bytes.toString('hex', at, at + 16), bytes[at + 16] === 1)
  }
  return decisions
}
