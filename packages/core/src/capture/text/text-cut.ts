import { TextEncoder } from 'node:util'

const SCRATCH_BYTES = 64 * 1024
const encoder = new TextEncoder()
let scratch: Buffer | undefined

/** A text cut at `maxBytes`, with how much is missing. */
export function cutText(text: string, maxBytes: number): string {
  const kept = firstBytes(text, maxBytes)
  if (kept === text) return text
  const bytes = Buffer.byteLength(text)
  return kept + cutMark(bytes - Buffer.byteLength(kept), bytes)
}

/** What stands where something was cut; in ASCII, since one other character doubles what V8 keeps of a long text, and beyond 128 KB collects at once. */
export function cutMark(missing: number, bytes: number): string {
  return ` [cut: ${missing} of ${bytes} bytes]`
}

/** As many characters from the start as fit into `maxBytes` of UTF-8. */
export function firstBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text
  if (maxBytes <= 0) return ''
  if (text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes) return text
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  const room = maxBytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(maxBytes)
  const { written } = encoder.encodeInto(text, room.subarray(0, maxBytes))
  return room.toString('utf8', 0, written)
}

/** The same text, on its own: V8 lets a part of a string keep all of it in memory. */
export function copyOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
