import {
  type ByteSink,
  closeLength,
  createByteSink,
  reserve,
  reserveText,
  varintSize,
  writeBytes,
  writeTextField,
  writeVarint,
} from './byte-sink.ts'

const INT64_LIMIT = 2 ** 63
const KEPT_KEYS = 1000
const KEPT_KEY_LENGTH = 64

// Attribute names repeat from span to span: copying a name encoded before is three times faster than encoding it.
const encodedKeys = new Map<string, Uint8Array>()

/** Writes every own attribute as a `KeyValue` under `tag`, except those that `overridden` holds. */
export function writeAttributes(
  sink: ByteSink,
  tag: number,
  attributes: Readonly<Record<string, unknown>>,
  overridden?: Readonly<Record<string, unknown>>,
): void {
  for (const key of Object.keys(attributes)) {
    if (overridden !== undefined && Object.hasOwn(overridden, key)) continue
    const value = attributes[key]
    if (typeof value === 'string') writeTextPair(sink, tag, keyField(key), value)
    else writePair(sink, tag, keyField(key), value)
  }
}

function keyField(key: string): Uint8Array {
  const known = encodedKeys.get(key)
  if (known !== undefined) return known
  const sink = createByteSink(0)
  reserveText(sink, key, 8)
  writeTextField(sink, 0x0a, key)
  const field = sink.bytes.subarray(0, sink.end)
  if (encodedKeys.size < KEPT_KEYS && key.length <= KEPT_KEY_LENGTH) encodedKeys.set(key, field)
  return field
}

/** Three nested lengths, written once on the assumption that every character is one byte, mended if not. */
function writeTextPair(sink: ByteSink, tag: number, key: Uint8Array, text: string): void {
  reserveText(sink, text, key.length + 32)
  const valueLength = 1 + varintSize(text.length) + text.length
  const pairWidth = varintSize(key.length + 1 + varintSize(valueLength) + valueLength)
  const valueWidth = varintSize(valueLength)
  sink.bytes[sink.end++] = tag
  const pairStart = sink.end
  sink.end += pairWidth
  sink.bytes.set(key, sink.end)
  sink.end += key.length
  sink.bytes[sink.end++] = 0x12
  const valueStart = sink.end
  sink.end += valueWidth
  writeTextField(sink, 0x0a, text)
  closeLength(sink, valueStart, valueWidth, sink.end - valueStart - valueWidth)
  closeLength(sink, pairStart, pairWidth, sink.end - pairStart - pairWidth)
}

function writePair(sink: ByteSink, tag: number, key: Uint8Array, value: unknown): void {
  reserve(sink, key.length + 32)
  sink.bytes[sink.end++] = tag
  const pairStart = sink.end++
  sink.bytes.set(key, sink.end)
  sink.end += key.length
  sink.bytes[sink.end++] = 0x12
  const valueStart = sink.end++
  writeValue(sink, value)
  closeLength(sink, valueStart, 1, sink.end - valueStart - 1)
  closeLength(sink, pairStart, 1, sink.end - pairStart - 1)
}

/** Writes the content of an `AnyValue`; what OTLP cannot say stays an empty one. */
function writeValue(sink: ByteSink, value: unknown): void {
  if (typeof value === 'string') {
    reserveText(sink, value, 16)
    writeTextField(sink, 0x0a, value)
    return
  }
  reserve(sink, 32)
  if (typeof value === 'boolean') {
    sink.bytes[sink.end++] = 0x10
    sink.bytes[sink.end++] = value ? 1 : 0
  } else if (typeof value === 'number') {
    writeNumber(sink, value)
  } else if (value instanceof Uint8Array) {
    sink.bytes[sink.end++] = 0x3a
    writeVarint(sink, value.length)
    writeBytes(sink, value)
  } else if (Array.isArray(value)) {
    writeNested(sink, 0x2a, () => {
      for (const item of value) writeNested(sink, 0x0a, () => writeValue(sink, item))
    })
  } else if (typeof value === 'object' && value !== null) {
    writeNested(sink, 0x32, () => writeAttributes(sink, 0x0a, value as Record<string, unknown>))
  }
}

function writeNumber(sink: ByteSink, value: number): void {
  if (!Number.isInteger(value) || value < -INT64_LIMIT || value >= INT64_LIMIT) {
    sink.bytes[sink.end++] = 0x21
    sink.bytes.writeDoubleLE(value, sink.end)
    sink.end += 8
    return
  }
  sink.bytes[sink.end++] = 0x18
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
    writeVarint(sink, value)
    return
  }
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 0x7fn; rest >>= 7n) sink.bytes[sink.end++] = Number(rest & 0x7fn) | 0x80
  sink.bytes[sink.end++] = Number(rest)
}

/** Writes `tag` and a message of unknown length. */
export function writeNested(sink: ByteSink, tag: number, content: () => void): void {
  reserve(sink, 8)
  sink.bytes[sink.end++] = tag
  const start = sink.end++
  content()
  closeLength(sink, start, 1, sink.end - start - 1)
}
