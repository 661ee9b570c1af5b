import { createTextParts } from './text-parts.ts'

/** The bytes that all texts of one answer may still take. */
export interface ByteBudget {
  left: number
}

/** A text that arrives in pieces, and keeps no more than a budget allows. */
export interface BoundedText {
  readonly isEmpty: boolean
  add(piece: string): void
  /** Gives its bytes back to the budget and starts again. */
  clear(): void
  /** What was kept, with a mark if something is missing. */
  written(): string
}

/** Creates a text without content. */
export function createBoundedText(budget: ByteBudget): BoundedText {
  let parts = createTextParts()
  let bytes = 0
  let missing = 0

  return {
    get isEmpty() {
      return bytes === 0
    },
    add(piece) {
      const size = Buffer.byteLength(piece)
      bytes += size
      if (size <= budget.left) {
        budget.left -= size
        parts.add(piece)
        return
      }
      const kept = firstBytes(piece, budget.left)
      if (kept !== '') parts.add(kept)
      missing += size - Buffer.byteLength(kept)
      // Nothing is added after a gap.
      budget.left = 0
    },
    clear() {
      budget.left += bytes - missing
      parts = createTextParts()
      bytes = 0
      missing = 0
    },
    written() {
      return missing === 0 ? parts.joined() : `${parts.joined()} [cut: ${missing} of ${bytes} bytes]`
    },
  }
}

function firstBytes(text: string, maxBytes: number): string {
  if (maxBytes <= 0) return ''
  // A character that was cut in two decodes to U+FFFD.
  return Buffer.from(text)
    .toString('utf8', 0, maxBytes)
    .replace(/\uFFFD$/, '')
}
