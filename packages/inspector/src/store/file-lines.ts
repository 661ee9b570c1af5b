import { closeSync, existsSync, openSync, readSync } from 'node:fs'

const chunkBytes = 4 * 1024 * 1024
const newline = 10

/** Yields the lines of a file without their ends; stops at a line that is longer than `maxLineBytes`. */
export function* readLines(path: string, maxLineBytes: number): Generator<Buffer> {
  if (!existsSync(path)) return
  const file = openSync(path, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const chunk = Buffer.allocUnsafe(rest.length + chunkBytes)
      rest.copy(chunk)
      const length = readSync(file, chunk, rest.length, chunkBytes, null)
      if (length === 0) break
      rest = chunk.subarray(0, rest.length + length)
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
