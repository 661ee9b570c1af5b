import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

/** A record found in a segment file. */
export interface ScannedRecord {
  /** Its number, which rises within a directory. */
  sequence: number
  spans: number
  /** Where it begins in the file. */
  offset: number
  /** Size of its content. */
  length: number
  /** False if its content is damaged. */
  isWhole: boolean
}

// magic, sequence, length, spans, CRC of the content, CRC of the header before it; each four bytes, little-endian
export const HEADER_BYTES = 24
// The first byte occurs in no UTF-8 text, so that a search for the next record seldom stops in vain.
const MAGIC = Buffer.from([0xf5, 0x4c, 0x46, 0x53])
const PIECE_BYTES = 1024 * 1024
/** No record is larger: a span has at most an eighth of the memory. */
const LONGEST_RECORD_BYTES = 256 * 1024 * 1024

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

/** The content of a record, or `undefined` if `record` is not the one with that number or is damaged. */
export function recordBody(record: Buffer, sequence: number): Buffer | undefined {
  if (record.length < HEADER_BYTES || !hasHeader(record) || record.readUInt32LE(4) !== sequence)
    return undefined
  const body = record.subarray(HEADER_BYTES, HEADER_BYTES + record.readUInt32LE(8))
  return crc32(body) === record.readUInt32LE(16) ? body : undefined
}

/** Finds every record of a segment file, whatever is damaged before, between or after them, holding only pieces of it in memory. */
export async function* scanRecords(file: Pick<FileHandle, 'read'>): AsyncGenerator<ScannedRecord> {
  const window = createWindow(file)
  for (let at = await window.find(MAGIC, 0); at >= 0; ) {
    const header = await window.read(at, HEADER_BYTES)
    if (header.length < HEADER_BYTES) return
    let next = at + 1
    if (hasHeader(header)) {
      const length = header.readUInt32LE(8)
      const end = at + HEADER_BYTES + length
      const isWhole = length <= LONGEST_RECORD_BYTES && (await isIntact(at, length, header.readUInt32LE(16)))
      yield {
        sequence: header.readUInt32LE(4),
        spans: header.readUInt32LE(12),
        offset: at,
        length,
        isWhole,
      }
      if (isWhole) next = end
    }
    at = await window.find(MAGIC, next)
  }

  async function isIntact(at: number, length: number, checksum: number): Promise<boolean> {
    const body = await window.read(at + HEADER_BYTES, length)
    return body.length === length && crc32(body) === checksum
  }
}

function hasHeader(record: Buffer): boolean {
  return (
    record.subarray(0, MAGIC.length).equals(MAGIC) &&
    crc32(record.subarray(0, 20)) === record.readUInt32LE(20)
  )
}

/** A part of a file in memory, which moves forward. */
function createWindow(file: Pick<FileHandle, 'read'>) {
  let start = 0
  let bytes: Buffer = Buffer.alloc(0)
  let isAtEnd = false

  return {
    /** Up to `length` bytes from `at` on; fewer at the end of the file. */
    async read(at: number, length: number): Promise<Buffer> {
      await fill(at, at + length)
      return bytes.subarray(at - start, at - start + length)
    },
    /** The next place of `pattern` from `at` on, or -1. */
    async find(pattern: Buffer, at: number): Promise<number> {
      for (let from = at; ; ) {
        await fill(from, from + PIECE_BYTES)
        const found = bytes.indexOf(pattern, from - start)
        if (found >= 0) return start + found
        if (isAtEnd) return -1
        from = start + bytes.length - pattern.length + 1
      }
    },
  }

  async function fill(from: number, to: number): Promise<void> {
    while (!isAtEnd && start + bytes.length < to) {
      const piece = Buffer.allocUnsafe(Math.max(PIECE_BYTES, to - start - bytes.length))
      const { bytesRead } = await file.read(piece, 0, piece.length, start + bytes.length)
      isAtEnd = bytesRead === 0
      const keep = bytes.subarray(Math.min(from - start, bytes.length))
      start = start + bytes.length - keep.length
      bytes = Buffer.concat([keep, piece.subarray(0, bytesRead)])
    }
  }
}
