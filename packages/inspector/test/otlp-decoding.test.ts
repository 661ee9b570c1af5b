import { type Attributes, SpanKind, TraceFlags } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { decodeJson } from '../src/otlp/otlp-json.ts'
import { decodeProtobuf } from '../src/otlp/otlp-protobuf.ts'
import { decodeKeyValue, readMessage } from '../src/otlp/otlp-protobuf-field.ts'
import { jsonExport, jsonSpan } from './span-fixture.ts'

describe('spans from the stock serializers', () => {
  const random = createRandom(20)
  const spans = Array.from({ length: 200 }, () => randomSpan(random))
  const fromProtobuf = decodeProtobuf(ProtobufTraceSerializer.serializeRequest(spans)!)
  const fromJson = decodeJson(JsonTraceSerializer.serializeRequest(spans)!)

  it('are the same from protobuf as from JSON', () => {
    expect(fromProtobuf).toEqual(fromJson)
  })

  it('carry what the SDK put in', () => {
    const byId = new Map(fromProtobuf.spans.map(span => [span.spanId, span]))
    expect(fromProtobuf.rejections).toEqual([])
    expect(byId.size).toBe(200)
    for (const span of spans) {
      expect(byId.get(span.spanContext().spanId)).toMatchObject({
        traceId: span.spanContext().traceId,
        parentSpanId: span.parentSpanContext?.spanId,
        name: span.name,
        startTimeMs: span.startTime[0] * 1000 + Math.floor(span.startTime[1] / 1000) / 1000,
        attributes: span.attributes,
        status: { code: span.status.code, message: span.status.message ?? '' },
        scope: span.instrumentationScope.name,
        resource: span.resource.attributes,
        events: span.events.map(({ name, attributes = {} }) => ({ name, attributes })),
        links: span.links.map(({ context, attributes = {} }) => ({ spanId: context.spanId, attributes })),
      })
    }
  })

  it('can be cut off at any byte without more than an error', () => {
    const body = ProtobufTraceSerializer.serializeRequest(spans.slice(0, 2))!
    const outcomes = Array.from(body, (_, end) => {
      try {
        return decodeProtobuf(body.subarray(0, end)).spans.length
      } catch (error) {
        return (error as Error).constructor.name
      }
    })
    expect(new Set(outcomes)).toEqual(new Set([0, 1, 'RangeError']))
  })
})

describe('values that JavaScript cannot hold or must not trust', () => {
  const read = (value: object) =>
    decodeJson(Buffer.from(jsonExport([{ ...jsonSpan(), attributes: [{ key: 'key', value }] }]))).spans[0]
      ?.attributes.key

  it('keeps 64-bit integers exact, as strings where needed', () => {
    expect(read({ intValue: '42' })).toBe(42)
    expect(read({ intValue: -7 })).toBe(-7)
    expect(read({ intValue: '9223372036854775807' })).toBe('9223372036854775807')
  })

  it('reads maps and lists', () => {
    const kvlistValue = {
      values: [{ key: 'a', value: { arrayValue: { values: [{ boolValue: true }, {}] } } }],
    }
    expect(read({ kvlistValue })).toEqual({ a: [true, null] })
  })

  it('reads values from protobuf as from JSON, but not without end', () => {
    const field = (tag: number, value: Buffer): Buffer =>
      Buffer.concat([
        Buffer.from(
          value.length < 128 ? [tag, value.length] : [tag, (value.length % 128) + 128, value.length >> 7],
        ),
        value,
      ])
    const minusSeven = Buffer.from('18f9ffffffffffffffff01', 'hex')
    const listIn = (depth: number): Buffer =>
      depth === 0 ? minusSeven : field(0x2a, field(0x0a, listIn(depth - 1)))
    const read = (message: Buffer): object => {
      const attributes = {}
      readMessage(message, (field, wireType, reader) => {
        if (field === 1) decodeKeyValue(reader, wireType, attributes)
      })
      return attributes
    }
    const pair = (value: Buffer): Buffer => field(0x0a, field(0x12, value))
    expect(read(pair(minusSeven))).toEqual({ '': -7 })
    expect(read(pair(listIn(2)))).toEqual({ '': [[-7]] })
    expect(read(pair(Buffer.from('3a02fffe', 'hex')))).toEqual({ '': '//4=' })
    expect(() => read(pair(listIn(40)))).toThrow('nested deeper than 32')
  })

  it('lets no key reach a prototype', () => {
    const body = jsonExport([
      { ...jsonSpan(), attributes: [{ key: '__proto__', value: { kvlistValue: { values: [] } } }] },
    ])
    const attributes = decodeJson(Buffer.from(body)).spans[0]!.attributes
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype)
    expect(Object.keys(attributes)).toEqual(['__proto__'])
  })
})

describe('a malformed span among good ones', () => {
  const nested = Array.from({ length: 100 }).reduce<object>(value => ({ arrayValue: { values: [value] } }), {
    stringValue: 'deep',
  })
  it.each([
    ['no trace id', { traceId: undefined }, /trace id must be 16 bytes/],
    ['a zero trace id', { traceId: '0'.repeat(32) }, /trace id must be 16 bytes/],
    ['a short span id', { spanId: 'abc' }, /span id must be 8 bytes/],
    ['a parent id that is no id', { parentSpanId: 'xyz' }, /parent span id must be 8 bytes/],
    ['a time that is no number', { startTimeUnixNano: 'soon' }, /startTimeUnixNano must be an integer/],
    ['a negative time', { endTimeUnixNano: '-1' }, /endTimeUnixNano must not be negative/],
    ['a name that is no text', { name: 7 }, /name must be a string/],
    ['attributes that are no list', { attributes: {} }, /attributes must be an array/],
    ['attributes nested too deep', { attributes: [{ key: 'a', value: nested }] }, /nested deeper than 32/],
  ])('is left out alone: %s', (_, flaw, reason) => {
    const decoded = decodeJson(
      Buffer.from(jsonExport([jsonSpan({ id: '1' }), { ...jsonSpan(), ...flaw }, jsonSpan({ id: '2' })])),
    )
    expect(decoded.spans).toHaveLength(2)
    expect(decoded.rejections).toEqual([expect.stringMatching(reason)])
  })

  it('is left out alone in protobuf too', () => {
    const random = createRandom(3)
    const good = randomSpan(random)
    const bad = {
      ...randomSpan(random),
      resource: good.resource,
      instrumentationScope: good.instrumentationScope,
    }
    bad.spanContext = () => ({ ...good.spanContext(), spanId: 'abcd' })
    const decoded = decodeProtobuf(ProtobufTraceSerializer.serializeRequest([bad, good])!)
    expect(decoded.spans).toMatchObject([{ spanId: good.spanContext().spanId }])
    expect(decoded.rejections).toEqual([expect.stringMatching(/span id must be 8 bytes/)])
  })
})

/** mulberry32: the same numbers in every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function randomSpan(random: () => number): ReadableSpan {
  const integer = (below: number): number => Math.floor(random() * below)
  const hex = (length: number): string =>
    Array.from({ length }, () => (1 + integer(15)).toString(16)).join('')
  const text = (): string =>
    ['', 'plain', 'ünï¢ødé 日本 🎉', 'x'.repeat(300), '\u0000\u001b[31m'][integer(5)]!
  const attributes = (): Attributes =>
    Object.fromEntries(
      Array.from({ length: integer(5) }, (_, index) => [
        `key.${index}`,
        [text(), integer(2) === 0, integer(1e9) - 5e8, random() * 1e-3, [text(), text()], [1, 2.5], 2 ** 52][
          integer(7)
        ]!,
      ]),
    )
  const spanContext = { traceId: hex(32), spanId: hex(16), traceFlags: TraceFlags.SAMPLED }
  const startTime: [number, number] = [1_700_000_000 + integer(1e8), integer(1e9)]
  return {
    name: text(),
    kind: SpanKind.INTERNAL,
    spanContext: () => spanContext,
    ...(integer(2) === 0 && { parentSpanContext: { ...spanContext, spanId: hex(16) } }),
    startTime,
    endTime: [startTime[0] + integer(100), startTime[1]],
    duration: [0, 0],
    ended: true,
    status: { code: integer(3), ...(integer(2) === 0 && { message: text() }) },
    attributes: attributes(),
    events: Array.from({ length: integer(3) }, () => ({
      name: text(),
      time: startTime,
      attributes: attributes(),
    })),
    links: Array.from({ length: integer(3) }, () => ({
      context: { ...spanContext, spanId: hex(16) },
      attributes: attributes(),
    })),
    resource: resourceFromAttributes({ 'service.name': text() }),
    instrumentationScope: { name: text() || 'scope' },
    droppedAttributesCount: integer(300),
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}
