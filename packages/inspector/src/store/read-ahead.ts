import type { TraceStore } from './trace-store.ts'

const sliceMs = 8
const pauseMs = 16
// The list, which is what anyone asks for first, comes first.
const delayMs = 2_000

/**
 * Reads what was restored bit by bit, the latest first, so that whoever looks for a text later need not wait for it. Returns what stops it.
 */
export function readAhead({ ids, parts }: Pick<TraceStore, 'ids' | 'parts'>): () => void {
  const waiting = ids()

  function read(): void {
    const endMs = performance.now() + sliceMs
    while (waiting.length > 0 && performance.now() < endMs) parts(waiting.pop()!)
    if (waiting.length > 0) timer = setTimeout(read, pauseMs).unref()
  }

  let timer = setTimeout(read, delayMs).unref()
  return () => clearTimeout(timer)
}
