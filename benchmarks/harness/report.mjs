import { cpus } from 'node:os'

/** A Markdown table. */
export function markdownTable(head, rows) {
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}

/** What the figures come from. */
export const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`

/** Shows what is being done, on the line that the next such message takes over. */
export function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(100)}\r`)
  else if (text !== '') process.stderr.write(`${text}\n`)
}
