/** Bytes being written: `bytes[0…end)` is content, the rest is room. */
export interface ByteSink {
  bytes: Buffer
  end: number
}

const SHORT_TEXT = 48
const HUGE_TEXT = 256 * 1024

/** Creates an empty sink with room for `capacity` bytes. */
export function createByteSink(capacity: number): ByteSink {
  return { bytes: Buffer.allocUnsafeSlow(capacity), end: 0 }
}

/** Makes room for `count` more bytes. */
export function reserve(sink: ByteSink, count: number): void {
  const needed = sink.end + count
  if (needed <= sink.bytes.length) return
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, sink.bytes.length * 2))
  sink.bytes.copy(grown, 0, 0, sink.end)
  sink.bytes = grown
}

/** Joins parts in memory of their own: `Buffer.concat` may put a small result into a shared slab, which it then keeps alive. */
export function exactCopy(parts: readonly Uint8Array[]): Buffer {
  const copy = Buffer.allocUnsafeSlow(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    copy.set(part, at)
    at += part.length
  }
  return copy
}

/** How many bytes the varint of a non-negative integer below 2^35 takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  return value < 0x10000000 ? 4 : 5
}

/** Writes the varint of a non-negative safe integer; room is the caller's matter. */
export function writeVarint(sink: ByteSink, value: number): void {
  let rest = value
  while (rest >= 0x80000000) {
    sink.bytes[sink.end++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  while (rest > 0x7f) {
    sink.bytes[sink.end++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  sink.bytes[sink.end++] = rest
}

/** Writes raw bytes. */
export function writeBytes(sink: ByteSink, content: Uint8Array): void {
  reserve(sink, content.length)
  sink.bytes.set(content, sink.end)
  sink.end += content.length
}

/** Makes room for `text` and `extra` bytes beside it, whatever characters it holds. */
export function reserveText(sink: ByteSink, text: string, extra: number): void {
  reserve(sink, extra + (text.length > HUGE_TEXT ? Buffer.byteLength(text) : text.length * 3))
}

/** Writes `text` as UTF-8 into room reserved before and returns the number of bytes it took. */
export function writeText(sink: ByteSink, text: string): number {
  const { bytes, end } = sink
  const length = text.length
  if (length <= SHORT_TEXT) {
    let index = 0
    for (; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) break
      bytes[end + index] = code
    }
    if (index === length) {
      sink.end = end + length
      return length
    }
  }
  const written = bytes.write(text, end)
  sink.end = end + written
  return written
}

/** Writes `tag`, the length of `text` and its UTF-8, into room reserved before. */
export function writeTextField(sink: ByteSink, tag: number, text: string): void {
  sink.bytes[sink.end++] = tag
  const start = sink.end
  const width = varintSize(text.length)
  sink.end = start + width
  closeLength(sink, start, width, writeText(sink, text))
}

/** Fills in a length at `start`, for which `width` bytes were kept free, moving the content if that was too few. */
export function closeLength(sink: ByteSink, start: number, width: number, length: number): void {
  const needed = varintSize(length)
  const content = start + width
  if (needed !== width) {
    reserve(sink, 4)
    sink.bytes.copyWithin(start + needed, content, content + length)
  }
  sink.end = start
  writeVarint(sink, length)
  sink.end = start + needed + length
}
