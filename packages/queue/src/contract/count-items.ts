import type { MessageKind } from './message.ts'
import { spansOf } from './spans.ts'
import { linesOf } from './split.ts'

/** Counts the spans or scores of a body; `undefined` if it is neither, or empty. */
export function countItems(kind: MessageKind, body: Uint8Array): number | undefined {
  try {
    const count = kind === 'spans' ? countSpans(body) : countScores(body)
    return count > 0 ? count : undefined
  } catch {
    return undefined
  }
}

function countSpans(body: Uint8Array): number {
  let count = 0
  for (const _span of spansOf(body)) count += 1
  return count
}

function countScores(body: Uint8Array): number {
  const lines = linesOf(body)
  for (const line of lines) {
    if (typeof JSON.parse(line.toString('utf8')).body?.traceId !== 'string')
      throw new TypeError('not a score event')
  }
  return lines.length
}
