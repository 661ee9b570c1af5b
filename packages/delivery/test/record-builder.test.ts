import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createRecordBuilder } from '../src/wire/record-builder.ts'
import { nameFirstSpan, splitRequest } from '../src/wire/split-request.ts'
import { numberedSpan } from './support/numbered-spans.ts'
import { decodeRequest, decodeSpans, toObject } from './support/otlp-decoder.ts'
import { createRandom, createSpanSource } from './support/random-span.ts'

function encode(spans: ReadableSpan[]) {
  const builder = createRecordBuilder()
  for (const span of spans) builder.add(span)
  return builder.seal()!
}

function randomSpans(seed: number, count: number): ReadableSpan[] {
  return Array.from({ length: count }, createSpanSource(createRandom(seed)))
}

/** What is left of a text in UTF-8, where a lone surrogate cannot be said. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

describe('the encoder', () => {
  it('means the same as the stock serializer, over random spans', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const spans = randomSpans(seed, 1 + (seed % 7))
      const stock = decodeRequest(ProtobufTraceSerializer.serializeRequest(spans)!)
      expect(decodeRequest(encode(spans).body)).toEqual(stock)
    }
  })

  it('encodes a text of megabytes in any script', () => {
    for (const text of ['x'.repeat(3_000_000), '你'.repeat(1_000_000), `${'x'.repeat(2_000_000)}😀\ud800`]) {
      const [span] = randomSpans(1, 1)
      const attributes = { big: text, [text.slice(0, 300_000)]: 1 }
      const [decoded] = decodeSpans(encode([{ ...span!, attributes }]).body)
      expect(toObject(decoded!.attributes)).toEqual({
        big: wellFormed(text),
        [wellFormed(text.slice(0, 300_000))]: 1,
      })
    }
  })

  it('keeps a record whole when a span in it cannot be encoded', () => {
    const [first, second] = randomSpans(2, 2)
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    const builder = createRecordBuilder()
    builder.add(first!)
    expect(() => builder.add({ ...first!, attributes: { cyclic } as never })).toThrow()
    expect(() => builder.add({ ...first!, spanContext: () => undefined as never })).toThrow()
    expect(() => builder.add({ ...first!, resource: undefined as never })).toThrow()
    expect(() => builder.add({ ...first!, instrumentationScope: undefined as never })).toThrow()
    builder.add(second!)
    const record = builder.seal()!
    expect(record.spans).toBe(2)
    expect(decodeSpans(record.body)).toHaveLength(2)
    expect(builder.seal()).toBeUndefined()
  })

  it('takes no new memory to encode in, whichever scopes take turns', () => {
    const builder = createRecordBuilder()
    const spans = ['one', 'other'].map(name => ({
      ...numberedSpan(1, { text: 'x'.repeat(100_000) }),
      instrumentationScope: { name },
    }))
    const records = new Set<number>()
    const fill = (): void => {
      for (const span of spans) {
        builder.add(span)
        records.add(builder.seal()!.body.length)
      }
    }
    fill()
    fill()
    const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow')
    fill()
    const taken = allocate.mock.calls.map(([bytes]) => bytes).filter(bytes => !records.has(bytes))
    allocate.mockRestore()
    expect(Math.max(...taken)).toBeLessThan(100)
  })

  it('gives records that may be joined end to end', () => {
    const spans = randomSpans(3, 20)
    const joined = Buffer.concat([encode(spans.slice(0, 7)).body, encode(spans.slice(7)).body])
    expect(
      decodeSpans(joined)
        .map(span => span.spanId)
        .sort(),
    ).toEqual(spans.map(span => span.spanContext().spanId).sort())
  })

  it('puts resource attributes and marks over those that are there, saying each once', () => {
    const [span] = randomSpans(4, 1)
    const builder = createRecordBuilder({
      resourceAttributes: { 'service.name': 'other', token: 't' },
      mark: ({ name }) => (name === 'entry' ? { 'gen_ai.is_entry': true, own: 'marked' } : undefined),
    })
    builder.add({ ...span!, name: 'entry', attributes: { own: 'before', kept: 1 } })
    builder.add({ ...span!, name: 'child', attributes: { own: 'before' } })
    const [entry, child] = decodeSpans(builder.seal()!.body)
    expect(toObject(entry!.attributes)).toEqual({ kept: 1, 'gen_ai.is_entry': true, own: 'marked' })
    expect(entry!.attributes).toHaveLength(3)
    expect(toObject(child!.attributes)).toEqual({ own: 'before' })
    expect(entry!.resource).toMatchObject({ 'service.name': 'other', token: 't' })
  })
})

describe('splitting a request', () => {
  it('gives two halves that hold every span once, in order, under its own resource and scope', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const record = encode(randomSpans(seed, 2 + (seed % 9)))
      const [left, right] = splitRequest(record)!
      expect(left.spans + right.spans).toBe(record.spans)
      expect(decodeSpans(left.body)).toHaveLength(left.spans)
      expect([...decodeSpans(left.body), ...decodeSpans(right.body)]).toEqual(decodeSpans(record.body))
    }
  })

  it('leaves a single span alone and can name it', () => {
    const [span] = randomSpans(9, 1)
    const record = encode([span!])
    expect(splitRequest(record)).toBeUndefined()
    const { traceId, spanId } = span!.spanContext()
    expect(nameFirstSpan(record.body)).toBe(`span ${spanId} of trace ${traceId}`)
  })
})
