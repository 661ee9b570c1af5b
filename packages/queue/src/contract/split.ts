import { type EncodedRecord, splitRequest } from '@langfuse-middleware/delivery'
import type { MessageKind } from './message.ts'

/** Encodes a body, halving it until every piece can be encoded; `undefined` if a single item cannot. */
export async function encodeInPieces<Piece>(
  kind: MessageKind,
  record: EncodedRecord,
  encode: (body: Uint8Array) => Promise<Piece | undefined> | Piece | undefined,
): Promise<Piece[] | undefined> {
  const whole = await encode(record.body)
  if (whole !== undefined) return [whole]
  const pieces: Piece[] = []
  for (const half of (kind === 'spans' ? splitRequest(record) : splitLines(record.body)) ?? []) {
    const encoded = await encodeInPieces(kind, half, encode)
    if (encoded === undefined) return undefined
    pieces.push(...encoded)
  }
  return pieces.length === 0 ? undefined : pieces
}

/** Score events of a body, one JSON line each. */
export function linesOf(body: Uint8Array): Buffer[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length)
  const lines: Buffer[] = []
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf(0x0a, start)
    const next = end < 0 ? text.length : end + 1
    lines.push(text.subarray(start, next))
    start = next
  }
  return lines
}

function splitLines(body: Uint8Array): EncodedRecord[] | undefined {
  const lines = linesOf(body)
  if (lines.length < 2) return undefined
  const middle = lines.length >> 1
  return [lines.slice(0, middle), lines.slice(middle)].map(half => ({
    body: Buffer.concat(half),
    spans: half.length,
  }))
}
