/** One field of a protobuf message: its whole extent with the tag, and for a length-delimited one its content. */
export interface WireField {
  number: number
  /** Value of a varint field, lowest 53 bits. */
  value: number
  /** Content of a length-delimited or fixed-width field. */
  content: Uint8Array
  /** Tag, length and content together. */
  whole: Uint8Array
}

/** Walks the fields of a protobuf message. Throws a `RangeError` where the bytes end inside a field. */
export function* readFields(message: Uint8Array): Generator<WireField> {
  let at = 0
  while (at < message.length) {
    const start = at
    const tag = varint()
    let value = 0
    let length = 0
    if ((tag & 7) === 0) value = varint()
    else if ((tag & 7) === 1) length = 8
    else if ((tag & 7) === 2) length = varint()
    else if ((tag & 7) === 5) length = 4
    else throw new RangeError(`unknown protobuf wire type ${tag & 7}`)
    if (at + length > message.length) throw new RangeError('protobuf message ends inside a field')
    const content = message.subarray(at, at + length)
    at += length
    yield { number: Math.floor(tag / 8), value, content, whole: message.subarray(start, at) }
  }

  function varint(): number {
    let result = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]
      if (byte === undefined) throw new RangeError('protobuf message ends inside a number')
      result += (byte & 0x7f) * scale
      if (byte < 0x80) return result
    }
  }
}
