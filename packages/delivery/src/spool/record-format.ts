import { crc32 } from 'node:zlib'

/** A record found in a segment file. */
export interface ScannedRecord {
  /** Its number, which rises within a directory. */
  sequence: number
  spans: number
  /** Its content, or `undefined` where that is damaged. */
  body: Buffer | undefined
}

// magic, sequence, length, spans, CRC of the content, CRC of the header before it; each four bytes, little-endian
export const HEADER_BYTES = 24
// The first byte occurs in no UTF-8 text, so that a search for the next record seldom stops in vain.
const MAGIC = Buffer.from([0xf5, 0x4c, 0x46, 0x53])

/** Writes the header that goes before `body` in a segment file. */
export function recordHeader(sequence: number, body: Uint8Array, spans: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt32LE(sequence, 4)
  header.writeUInt32LE(body.length, 8)
  header.writeUInt32LE(spans, 12)
  header.writeUInt32LE(crc32(body), 16)
  header.writeUInt32LE(crc32(header.subarray(0, 20)), 20)
  return header
}

/** Finds every record of a segment file, whatever is damaged before, between or behind them. */
export function* scanRecords(segment: Buffer): Generator<ScannedRecord> {
  let at = segment.indexOf(MAGIC)
  while (at >= 0 && at + HEADER_BYTES <= segment.length) {
    let next = at + 1
    const header = segment.subarray(at, at + HEADER_BYTES)
    if (crc32(header.subarray(0, 20)) === header.readUInt32LE(20)) {
      const end = at + HEADER_BYTES + header.readUInt32LE(8)
      const body = segment.subarray(at + HEADER_BYTES, end)
      const whole = end <= segment.length && crc32(body) === header.readUInt32LE(16)
      yield {
        sequence: header.readUInt32LE(4),
        spans: header.readUInt32LE(12),
        body: whole ? body : undefined,
      }
      if (whole) next = end
    }
    at = segment.indexOf(MAGIC, next)
  }
}
