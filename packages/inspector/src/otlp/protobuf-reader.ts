/** How a field's value is held, by its kind. */
export interface FieldValues {
  varint: bigint
  fixed64: DataView
  fixed32: DataView
  bytes: Uint8Array
}

/** One field of a protobuf message: its number and its value as the wire holds it. */
export type Field = {
  [Kind in keyof FieldValues]: { number: number; kind: Kind; value: FieldValues[Kind] }
}[keyof FieldValues]

/** Yields the fields of one protobuf message in wire order; throws a RangeError where the bytes break off. */
export function* readFields(message: Uint8Array): Generator<Field, void, undefined> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  let at = 0

  const take = (length: number): number => {
    const start = at
    if (length > message.byteLength - start)
      throw new RangeError(`protobuf message breaks off at byte ${start}`)
    at += length
    return start
  }

  // Lengths and tags fit a number; only values need all 64 bits.
  const readSmall = (): number => {
    let value = 0
    for (let scale = 1; scale < 2 ** 35; scale *= 128) {
      const byte = message[take(1)]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new RangeError(`protobuf length at byte ${at} is too long`)
  }

  const readVarint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[take(1)]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new RangeError(`protobuf varint at byte ${at} is too long`)
  }

  const slice = (length: number): DataView =>
    new DataView(view.buffer, view.byteOffset + take(length), length)

  while (at < message.byteLength) {
    const tag = readSmall()
    const number = Math.floor(tag / 8)
    if (number === 0) throw new RangeError(`protobuf field number at byte ${at} is 0`)
    switch (tag % 8) {
      case 0:
        yield { number, kind: 'varint', value: readVarint() }
        break
      case 1:
        yield { number, kind: 'fixed64', value: slice(8) }
        break
      case 2: {
        const length = readSmall()
        const start = take(length)
        yield { number, kind: 'bytes', value: message.subarray(start, start + length) }
        break
      }
      case 5:
        yield { number, kind: 'fixed32', value: slice(4) }
        break
      default:
        throw new RangeError(`protobuf wire type ${tag % 8} at byte ${at} is unknown`)
    }
  }
}
