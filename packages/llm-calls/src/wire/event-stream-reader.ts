import { type JsonObject, members, parseObject } from './json.ts'

// Total length, length of the headers, checksum of both.
const PRELUDE_BYTES = 12
const CHECKSUM_BYTES = 4
const STRING_HEADER = 7
// Bytes of a header's value by its type, without those of a variable length.
const FIXED_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }

/**
 * Reads frames of `application/vnd.amazon.eventstream`, cut anywhere. Calls `onEvent` with `{ [event type]: payload }`, with the JSON that
 * a `chunk` carries, or with `{ error }`. A frame of more than `maxBytes` is skipped; checksums are the client's business.
 * @see https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
 */
export function createEventStreamReader(
  maxBytes: number,
  onEvent: (event: JsonObject) => void,
): (chunk: Uint8Array) => void {
  let held: Buffer = Buffer.alloc(0)
  let skip = 0

  return chunk => {
    const start = Math.min(skip, chunk.length)
    skip -= start
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset + start, chunk.length - start)
    // A copy of what is left over: the chunk is the client's.
    let bytes = held.length === 0 ? fresh : Buffer.concat([held, fresh])
    while (bytes.length >= PRELUDE_BYTES) {
      const length = bytes.readUInt32BE(0)
      if (length < PRELUDE_BYTES + CHECKSUM_BYTES) {
        // Not this format: nothing after it can be read.
        skip = Number.POSITIVE_INFINITY
        bytes = bytes.subarray(bytes.length)
        break
      }
      if (length > maxBytes) {
        skip = Math.max(length - bytes.length, 0)
        bytes = bytes.subarray(Math.min(length, bytes.length))
        continue
      }
      if (bytes.length < length) break
      const event = readFrame(bytes.subarray(0, length))
      if (event !== undefined) onEvent(event)
      bytes = bytes.subarray(length)
    }
    held = Buffer.from(bytes)
  }
}

function readFrame(frame: Buffer): JsonObject | undefined {
  const headersEnd = PRELUDE_BYTES + frame.readUInt32BE(4)
  if (headersEnd > frame.length - CHECKSUM_BYTES) return undefined
  const headers = readHeaders(frame.subarray(PRELUDE_BYTES, headersEnd))
  const body = frame.toString('utf8', headersEnd, frame.length - CHECKSUM_BYTES)
  const payload = parseObject(body) ?? {}
  const messageType = headers[':message-type']
  if (messageType === 'exception' || messageType === 'error') {
    const type = headers[':exception-type'] ?? headers[':error-code'] ?? messageType
    return { error: { type, message: payload.message ?? headers[':error-message'] ?? type } }
  }
  const type = headers[':event-type']
  if (type === undefined) return undefined
  const { bytes } = members(payload)
  if (type === 'chunk' && typeof bytes === 'string') {
    return parseObject(Buffer.from(bytes, 'base64').toString('utf8'))
  }
  return { [type]: payload }
}

function readHeaders(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = {}
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    const name = bytes.toString('utf8', at + 1, nameEnd)
    const type = bytes.readUInt8(nameEnd)
    at = nameEnd + 1
    const fixed = FIXED_BYTES[type]
    if (fixed !== undefined) {
      at += fixed
      continue
    }
    const valueEnd = at + 2 + bytes.readUInt16BE(at)
    if (type === STRING_HEADER) headers[name] = bytes.toString('utf8', at + 2, valueEnd)
    at = valueEnd
  }
  return headers
}
