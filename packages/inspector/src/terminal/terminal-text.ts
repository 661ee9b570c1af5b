import stringWidth from 'fast-string-width'
import { wrapAnsi } from 'fast-wrap-ansi'

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Columns that a text takes in a terminal. */
export function columns(text: string): number {
  return stringWidth(text)
}

/** Cuts a text to a number of columns; ends it in … if something was cut off. */
export function truncate(text: string, width: number): string {
  if (columns(text) <= width) return text
  let used = 1
  let end = 0
  for (const { segment, index } of graphemes.segment(text)) {
    used += columns(segment)
    if (used > width) break
    end = index + segment.length
  }
  return width < 1 ? '' : `${text.slice(0, end).trimEnd()}…`
}

/** Fills a text up with spaces to a number of columns. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const space = ' '.repeat(Math.max(0, width - columns(text)))
  return side === 'left' ? space + text : text + space
}

/** Breaks a text into at most `maxLines` lines, at spaces if possible; the last one ends in … if more follows. */
export function wrap(text: string, width: number, maxLines: number): string[] {
  const lines = wrapAnsi(text, width, { hard: true }).split('\n')
  if (lines.length <= maxLines) return lines
  return [...lines.slice(0, maxLines - 1), truncate(lines.slice(maxLines - 1).join(' '), width)]
}
