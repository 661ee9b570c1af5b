import type { OutlineRow } from '../../src/server/trace-outline.ts'

/** What stands beside each other in a comparison. */
export interface AlignedRow {
  left: OutlineRow | undefined
  right: OutlineRow | undefined
}

const lookAhead = 50

/** Puts the observations of two traces beside each other by name and depth, in order. */
export function alignRows(left: readonly OutlineRow[], right: readonly OutlineRow[]): AlignedRow[] {
  const aligned: AlignedRow[] = []
  const isSame = (a: OutlineRow | undefined, b: OutlineRow | undefined): boolean =>
    a !== undefined && b !== undefined && a.name === b.name && a.depth === b.depth && a.type === b.type
  let l = 0
  let r = 0
  while (l < left.length || r < right.length) {
    // The roots are the two requests, whatever they are called.
    if (isSame(left[l], right[r]) || (l === 0 && r === 0)) {
      aligned.push({ left: left[l], right: right[r] })
      l += 1
      r += 1
      continue
    }
    const skipsRight = distance(right, r, row => isSame(left[l], row))
    const skipsLeft = distance(left, l, row => isSame(row, right[r]))
    if (l < left.length && (r >= right.length || skipsLeft <= skipsRight)) {
      aligned.push({ left: left[l], right: undefined })
      l += 1
    } else {
      aligned.push({ left: undefined, right: right[r] })
      r += 1
    }
  }
  return aligned
}

function distance(rows: readonly OutlineRow[], from: number, isWanted: (row: OutlineRow) => boolean): number {
  for (let index = from; index < Math.min(rows.length, from + lookAhead); index += 1) {
    if (isWanted(rows[index]!)) return index - from
  }
  return Number.POSITIVE_INFINITY
}
