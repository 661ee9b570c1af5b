import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import {
  type Attributes,
  type AttributeValue,
  integerValue,
  maxAttributeDepth,
  nanosecondsToMs,
} from './otlp-span.ts'

const own = { enumerable: true, writable: true, configurable: true }

/** Reads one field of a message from `reader`, which stands behind the tag. */
export type ReadField = (number: number, wireType: WireType, reader: BinaryReader) => void

/** Reads the fields of a message; what `read` does not consume is skipped. Throws if the bytes are cut off. */
export function readMessage(message: Uint8Array, read: ReadField): void {
  readFields(new BinaryReader(message), message.byteLength, read)
}

/** Reads the fields of a message within the message that `reader` stands in. */
export function readNested(reader: BinaryReader, wireType: WireType, read: ReadField): void {
  const length = expect(reader, wireType, WireType.LengthDelimited).uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new RangeError('premature EOF')
  readFields(reader, end, read)
}

function readFields(reader: BinaryReader, end: number, read: ReadField): void {
  while (reader.pos < end) {
    const tag = reader.uint32()
    const number = tag >>> 3
    const wireType = (tag & 7) as WireType
    if (number === 0) throw new RangeError('field number 0')
    const start = reader.pos
    read(number, wireType, reader)
    if (reader.pos === start) reader.skip(wireType, number)
  }
  if (reader.pos > end) throw new RangeError('a field is longer than its message')
}

/** Decodes one KeyValue into `pairs`. */
export function decodeKeyValue(reader: BinaryReader, wireType: WireType, into: Attributes, depth = 0): void {
  let key = ''
  let value: AttributeValue = null
  readNested(reader, wireType, (field, wireType, reader) => {
    if (field === 1) key = text(reader, wireType)
    else if (field === 2) value = decodeValue(reader, wireType, depth)
  })
  if (key === '__proto__') Object.defineProperty(into, key, { ...own, value })
  else into[key] = value
}

function decodeValue(reader: BinaryReader, wireType: WireType, depth: number): AttributeValue {
  if (depth > maxAttributeDepth) throw new TypeError(`attribute is nested deeper than ${maxAttributeDepth}`)
  let value: AttributeValue = null
  readNested(reader, wireType, (field, wireType, reader) => {
    if (field === 1) value = text(reader, wireType)
    else if (field === 2) value = expect(reader, wireType, WireType.Varint).bool()
    else if (field === 3)
      value = integerValue(BigInt(expect(reader, wireType, WireType.Varint).int64() as bigint))
    else if (field === 4) value = expect(reader, wireType, WireType.Bit64).double()
    else if (field === 5) value = decodeList(reader, wireType, depth + 1)
    else if (field === 6) value = decodeMap(reader, wireType, depth + 1)
    else if (field === 7) value = toBuffer(bytes(reader, wireType)).toString('base64')
  })
  return value
}

function decodeList(reader: BinaryReader, wireType: WireType, depth: number): AttributeValue[] {
  const values: AttributeValue[] = []
  readNested(reader, wireType, (field, wireType, reader) => {
    if (field === 1) values.push(decodeValue(reader, wireType, depth))
  })
  return values
}

function decodeMap(reader: BinaryReader, wireType: WireType, depth: number): Attributes {
  const values: Attributes = {}
  readNested(reader, wireType, (field, wireType, reader) => {
    if (field === 1) decodeKeyValue(reader, wireType, values, depth)
  })
  return values
}

/** Reads bytes, such as a message that is decoded later. */
export function bytes(reader: BinaryReader, wireType: WireType): Uint8Array {
  return expect(reader, wireType, WireType.LengthDelimited).bytes()
}

/** Reads a string. */
export function text(reader: BinaryReader, wireType: WireType): string {
  return expect(reader, wireType, WireType.LengthDelimited).string()
}

/** Reads an id as hex. */
export function hex(reader: BinaryReader, wireType: WireType): string {
  return toBuffer(bytes(reader, wireType)).toString('hex')
}

/** Reads nanoseconds since the epoch as milliseconds. */
export function timeMs(reader: BinaryReader, wireType: WireType): number {
  return nanosecondsToMs(BigInt(expect(reader, wireType, WireType.Bit64).fixed64() as bigint))
}

/** Reads a number below 2³². */
export function uint32(reader: BinaryReader, wireType: WireType): number {
  return expect(reader, wireType, WireType.Varint).uint32()
}

function expect(reader: BinaryReader, wireType: WireType, expected: WireType): BinaryReader {
  if (wireType !== expected) throw new TypeError(`wire type must be ${expected}, got ${wireType}`)
  return reader
}

function toBuffer(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
