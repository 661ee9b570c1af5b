type Kind = 'string' | 'bytes' | 'bool' | 'int64' | 'uint' | 'fixed32' | 'fixed64' | 'double' | Schema
interface Schema {
  [field: number]: { name: string; kind: Kind; repeated?: true }
}

const anyValue: Schema = {}
const keyValue: Schema = { 1: { name: 'key', kind: 'string' }, 2: { name: 'value', kind: anyValue } }
Object.assign(anyValue, {
  1: { name: 'string', kind: 'string' },
  2: { name: 'bool', kind: 'bool' },
  3: { name: 'int', kind: 'int64' },
  4: { name: 'double', kind: 'double' },
  5: { name: 'array', kind: { 1: { name: 'values', kind: anyValue, repeated: true } } },
  6: { name: 'list', kind: { 1: { name: 'values', kind: keyValue, repeated: true } } },
  7: { name: 'bytes', kind: 'bytes' },
} satisfies Schema)

const attributes = { name: 'attributes', kind: keyValue, repeated: true } as const
const event: Schema = {
  1: { name: 'time', kind: 'fixed64' },
  2: { name: 'name', kind: 'string' },
  3: attributes,
  4: { name: 'droppedAttributes', kind: 'uint' },
}
const link: Schema = {
  1: { name: 'traceId', kind: 'bytes' },
  2: { name: 'spanId', kind: 'bytes' },
  3: { name: 'traceState', kind: 'string' },
  4: attributes,
  5: { name: 'droppedAttributes', kind: 'uint' },
  6: { name: 'flags', kind: 'fixed32' },
}
const span: Schema = {
  1: { name: 'traceId', kind: 'bytes' },
  2: { name: 'spanId', kind: 'bytes' },
  3: { name: 'traceState', kind: 'string' },
  4: { name: 'parentSpanId', kind: 'bytes' },
  5: { name: 'name', kind: 'string' },
  6: { name: 'kind', kind: 'uint' },
  7: { name: 'start', kind: 'fixed64' },
  8: { name: 'end', kind: 'fixed64' },
  9: attributes,
  10: { name: 'droppedAttributes', kind: 'uint' },
  11: { name: 'events', kind: event, repeated: true },
  12: { name: 'droppedEvents', kind: 'uint' },
  13: { name: 'links', kind: link, repeated: true },
  14: { name: 'droppedLinks', kind: 'uint' },
  15: { name: 'status', kind: { 2: { name: 'message', kind: 'string' }, 3: { name: 'code', kind: 'uint' } } },
  16: { name: 'flags', kind: 'fixed32' },
}
const scope: Schema = {
  1: { name: 'name', kind: 'string' },
  2: { name: 'version', kind: 'string' },
  3: attributes,
}
const scopeSpans: Schema = {
  1: { name: 'scope', kind: scope },
  2: { name: 'spans', kind: span, repeated: true },
  3: { name: 'schemaUrl', kind: 'string' },
}
const resourceSpans: Schema = {
  1: { name: 'resource', kind: { 1: attributes, 2: { name: 'droppedAttributes', kind: 'uint' } } },
  2: { name: 'scopeSpans', kind: scopeSpans, repeated: true },
  3: { name: 'schemaUrl', kind: 'string' },
}

// biome-ignore lint/suspicious/noExplicitAny: a decoded message is whatever the schema says
export type Message = Record<string, any>

/** Decodes an ExportTraceServiceRequest strictly: an unknown field or a default value left unsaid shows. */
export function decodeRequest(body: Uint8Array): Message[] {
  return (
    decode(body, { 1: { name: 'resourceSpans', kind: resourceSpans, repeated: true } }).resourceSpans ?? []
  )
}

/** Every span of a request with the names of its scope, in order. */
export function decodeSpans(body: Uint8Array): Message[] {
  return decodeRequest(body).flatMap(({ resource, scopeSpans: scopes = [] }) =>
    scopes.flatMap(({ scope: { name } = { name: '' }, spans = [] }: Message) =>
      spans.map((one: Message) => ({ ...one, scope: name, resource: toObject(resource?.attributes) })),
    ),
  )
}

/** Attributes as a plain object. */
export function toObject(pairs: Message[] = []): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, toPlain(value)]))
}

function toPlain(value: Message = {}): unknown {
  if (value.array) return (value.array.values ?? []).map(toPlain)
  if (value.list) return toObject(value.list.values)
  return typeof value.int === 'bigint' ? Number(value.int) : Object.values(value)[0]
}

function decode(bytes: Uint8Array, schema: Schema): Message {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const message: Message = {}
  let at = 0
  while (at < view.length) {
    const tag = Number(varint())
    const field = schema[tag >> 3]
    if (!field) throw new Error(`unknown field ${tag >> 3}`)
    const value = read(field.kind, tag & 7)
    if (field.repeated) {
      message[field.name] ??= []
      message[field.name].push(value)
    } else if (value !== 0 && value !== '' && value !== 0n) {
      message[field.name] = value
    } else if (schema === anyValue) {
      message[field.name] = value
    }
  }
  return message

  function read(kind: Kind, wire: number): unknown {
    const expected = {
      bool: 0,
      int64: 0,
      uint: 0,
      fixed64: 1,
      double: 1,
      fixed32: 5,
      string: 2,
      bytes: 2,
    } as const
    const wanted = typeof kind === 'object' ? 2 : expected[kind]
    if (wire !== wanted) throw new Error(`wire type ${wire} instead of ${wanted}`)
    if (kind === 'bool') return varint() === 1n
    if (kind === 'int64') return BigInt.asIntN(64, varint())
    if (kind === 'uint') return Number(varint())
    if (kind === 'fixed32') return view.readUInt32LE(step(4))
    if (kind === 'fixed64') return view.readBigUInt64LE(step(8))
    if (kind === 'double') return view.readDoubleLE(step(8))
    const length = Number(varint())
    const start = step(length)
    const content = view.subarray(start, start + length)
    if (kind === 'bytes') return content.toString('hex')
    if (kind === 'string') return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    return decode(content, kind)
  }

  function step(length: number): number {
    const start = at
    at += length
    if (at > view.length) throw new Error('message ends inside a field')
    return start
  }

  function varint(): bigint {
    let result = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = view[step(1)]!
      result |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return result
    }
  }
}
