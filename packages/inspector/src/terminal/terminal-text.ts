import stringWidth from 'string-width'

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Columns that a text takes in a terminal. */
export function columns(text: string): number {
  return stringWidth(text)
}

/** Cuts a text to a number of columns, ending in … where something is missing. */
export function truncate(text: string, width: number): string {
  if (columns(text) <= width) return text
  const [head = ''] = splitAt(text, Math.max(0, width - 1))
  return width < 1 ? '' : `${head.trimEnd()}…`
}

/** Fills a text up with spaces to a number of columns. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const space = ' '.repeat(Math.max(0, width - columns(text)))
  return side === 'left' ? space + text : text + space
}

/** Breaks a text into lines at spaces where it can; the last line that is allowed ends in … where more follows. */
export function wrap(text: string, width: number, maxLines: number): string[] {
  const lines: string[] = []
  let rest = text
  while (columns(rest) > width && lines.length < maxLines - 1) {
    const [head = '', tail = ''] = splitAt(rest, width)
    const space = tail.startsWith(' ') ? head.length : head.lastIndexOf(' ')
    const end = space > head.length / 2 ? space : head.length
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return [...lines, truncate(rest, width)]
}

function splitAt(text: string, width: number): [string, string] {
  let used = 0
  for (const { segment, index } of graphemes.segment(text)) {
    used += columns(segment)
    if (used > width) return [text.slice(0, index), text.slice(index)]
  }
  return [text, '']
}
