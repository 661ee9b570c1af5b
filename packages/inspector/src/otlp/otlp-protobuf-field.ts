import {
  type Attributes,
  type AttributeValue,
  integerValue,
  maxAttributeDepth,
  nanosecondsToMs,
} from './otlp-span.ts'
import { type Field, type FieldValues, readFields } from './protobuf-reader.ts'

/** Decodes the KeyValues that a message holds in one of its fields. */
export function decodeAttributes(message: Uint8Array, number: number, depth = 0): Attributes {
  const pairs: [string, AttributeValue][] = []
  for (const field of readFields(message)) {
    if (field.number === number) pairs.push(decodeKeyValue(bytes(field), depth))
  }
  // Object.fromEntries defines own properties, so that a key such as __proto__ stays a key.
  return Object.fromEntries(pairs)
}

/** Decodes one attribute. */
export function decodeKeyValue(message: Uint8Array, depth: number): [string, AttributeValue] {
  let key = ''
  let value: AttributeValue = null
  for (const field of readFields(message)) {
    if (field.number === 1) key = text(field)
    else if (field.number === 2) value = decodeValue(bytes(field), depth)
  }
  return [key, value]
}

function decodeValue(message: Uint8Array, depth: number): AttributeValue {
  if (depth > maxAttributeDepth) throw new TypeError(`attribute is nested deeper than ${maxAttributeDepth}`)
  let value: AttributeValue = null
  for (const field of readFields(message)) {
    if (field.number === 1) value = text(field)
    else if (field.number === 2) value = varint(field) !== 0n
    else if (field.number === 3) value = integerValue(BigInt.asIntN(64, varint(field)))
    else if (field.number === 4) value = fixed64(field).getFloat64(0, true)
    else if (field.number === 5) value = decodeArray(bytes(field), depth + 1)
    else if (field.number === 6) value = decodeAttributes(bytes(field), 1, depth + 1)
    else if (field.number === 7) value = Buffer.from(bytes(field)).toString('base64')
  }
  return value
}

function decodeArray(message: Uint8Array, depth: number): AttributeValue[] {
  const values: AttributeValue[] = []
  for (const field of readFields(message)) {
    if (field.number === 1) values.push(decodeValue(bytes(field), depth))
  }
  return values
}

/** The value of a field that must be length-delimited. */
export function bytes(field: Field): Uint8Array {
  return ofKind(field, 'bytes')
}

/** The value of a field that must be a varint. */
export function varint(field: Field): bigint {
  return ofKind(field, 'varint')
}

function fixed64(field: Field): DataView {
  return ofKind(field, 'fixed64')
}

/** The value of a field that must be a string. */
export function text(field: Field): string {
  const value = bytes(field)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
}

/** The value of a field that must be an id, in hex. */
export function hex(field: Field): string {
  const value = bytes(field)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
}

/** The value of a field that must be nanoseconds since the epoch, in milliseconds. */
export function timeMs(field: Field): number {
  return nanosecondsToMs(fixed64(field).getBigUint64(0, true))
}

function ofKind<Kind extends keyof FieldValues>(field: Field, kind: Kind): FieldValues[Kind] {
  if (field.kind !== kind) throw new TypeError(`field ${field.number} must be ${kind}, got ${field.kind}`)
  return field.value as FieldValues[Kind]
}
