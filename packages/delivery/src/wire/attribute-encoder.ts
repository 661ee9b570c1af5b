import {
  type ByteSink,
  closeLength,
  createByteSink,
  reserve,
  reserveText,
  varintSize,
  writeBytes,
  writeText,
  writeTextField,
  writeVarint,
} from './byte-sink.ts'

const { hasOwnProperty: has } = Object.prototype
const INT64_LIMIT = 2 ** 63
const KEPT_KEYS = 1000
const KEPT_KEY_LENGTH = 64
const KEPT_TEXT_LENGTH = 64
const MISSES = 8

const scratch = createByteSink(512)

/** An attribute's name as it was encoded before. */
interface KnownKey {
  readonly field: Uint8Array
  /** A text that this attribute had lately, and the whole `KeyValue` with it. */
  text: string | undefined
  pair: Uint8Array
  tag: number
  /** How often it has had another one since. */
  misses: number
}

// Names repeat from span to span, and so do most short texts: copying what was encoded before is three times faster than encoding it.
// When the younger map is full it takes the place of the older, so that names which no longer occur make room for those that do.
let knownKeys = new Map<string, KnownKey>()
let olderKeys = new Map<string, KnownKey>()

/** Writes every own attribute as a `KeyValue` under `tag`, except those that `overridden` holds. */
export function writeAttributes(
  sink: ByteSink,
  tag: number,
  attributes: Readonly<Record<string, unknown>>,
  overridden?: Readonly<Record<string, unknown>>,
): void {
  // Not over a list of the keys, and not with Object.hasOwn: in this form alone V8 looks up neither keys nor values.
  for (const key in attributes) {
    if (!has.call(attributes, key)) continue
    if (overridden !== undefined && has.call(overridden, key)) continue
    const value = attributes[key]
    const known = knownKeys.get(key) ?? learn(key)
    if (typeof value !== 'string') writePair(sink, tag, known.field, value)
    else if (value === known.text && tag === known.tag) writeBytes(sink, known.pair)
    else writeNewText(sink, tag, known, value)
  }
}

function learn(key: string): KnownKey {
  const known = olderKeys.get(key) ?? newKey(key)
  if (key.length > KEPT_KEY_LENGTH) return known
  if (knownKeys.size >= KEPT_KEYS) {
    olderKeys = knownKeys
    knownKeys = new Map()
  }
  knownKeys.set(key, known)
  return known
}

function newKey(key: string): KnownKey {
  scratch.end = 0
  reserveText(scratch, key, 8)
  writeTextField(scratch, 0x0a, key)
  // One allocation from the pool: names that occur once must not cost more than a little.
  const field = Buffer.from(scratch.bytes.subarray(0, scratch.end))
  return { field, text: undefined, pair: field, tag: 0, misses: MISSES }
}

/** Keeps the text now and then, for one that is always another is not worth it. */
function writeNewText(sink: ByteSink, tag: number, known: KnownKey, text: string): void {
  const start = sink.end
  const length = writeTextPair(sink, tag, known.field, text)
  known.misses += 1
  if (known.misses < MISSES || text.length > KEPT_TEXT_LENGTH) return
  known.misses = 0
  known.tag = tag
  // Read back, for a string may be a part of a much longer one that it would keep in memory.
  known.text = sink.bytes.toString('utf8', sink.end - length, sink.end)
  known.pair = new Uint8Array(sink.bytes.subarray(start, sink.end))
}

/**
 * Writes a `KeyValue` and returns how many bytes its text took. Three nested lengths stand before the text; they are written as if every
 * character were one byte, and again if not.
 */
function writeTextPair(sink: ByteSink, tag: number, key: Uint8Array, text: string): number {
  reserveText(sink, text, key.length + 32)
  const start = sink.end
  writePairHead(sink, tag, key, text.length)
  const textStart = sink.end
  const length = writeText(sink, text)
  if (length === text.length) return length
  const moved = textStart + lengthsSize(key, length) - lengthsSize(key, text.length)
  if (moved !== textStart) sink.bytes.copyWithin(moved, textStart, textStart + length)
  sink.end = start
  writePairHead(sink, tag, key, length)
  sink.end += length
  return length
}

/** How many bytes the lengths in the head of a text's `KeyValue` take. */
function lengthsSize(key: Uint8Array, textLength: number): number {
  const valueLength = 1 + varintSize(textLength) + textLength
  const pairLength = key.length + 1 + varintSize(valueLength) + valueLength
  return varintSize(pairLength) + varintSize(valueLength) + varintSize(textLength)
}

/** Writes a `KeyValue` up to its text of so many bytes. */
function writePairHead(sink: ByteSink, tag: number, key: Uint8Array, textLength: number): void {
  const valueLength = 1 + varintSize(textLength) + textLength
  sink.bytes[sink.end++] = tag
  writeVarint(sink, key.length + 1 + varintSize(valueLength) + valueLength)
  sink.bytes.set(key, sink.end)
  sink.end += key.length
  sink.bytes[sink.end++] = 0x12
  writeVarint(sink, valueLength)
  sink.bytes[sink.end++] = 0x0a
  writeVarint(sink, textLength)
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
