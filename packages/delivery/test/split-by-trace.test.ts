import fc from 'fast-check'
import { splitByTrace, splitRequest } from '../src/index.ts'
import { encodedSpans } from './support/encoded-spans.ts'
import { numberedSpan } from './support/numbered-spans.ts'
import { decodeRequest, decodeSpans, type Message } from './support/otlp-decoder.ts'
import { numberOf } from './support/scripted-sender.ts'

function spanOf(traceNumber: number, number: number, scope = 'langfuse-sdk') {
  const span = numberedSpan(number)
  const traceId = traceNumber.toString(16).padStart(32, '0')
  const spanContext = () => ({ ...numberedSpan(number).spanContext(), traceId })
  return { ...span, spanContext, instrumentationScope: { name: scope } }
}

describe('splitByTrace', () => {
  it('returns each trace as a body of its own, with resource and scope of every span', () => {
    const first = encodedSpans([spanOf(1, 1), spanOf(2, 2), spanOf(1, 3, 'openai')])
    const second = encodedSpans([spanOf(2, 4), spanOf(1, 5)])
    const traces = splitByTrace(Buffer.concat([first.body, second.body]))
    expect(
      traces.map(({ traceId, spans, body }) => [traceId, spans, decodeSpans(body).map(numberOf)]),
    ).toEqual([
      [`${'0'.repeat(31)}1`, 3, [1, 3, 5]],
      [`${'0'.repeat(31)}2`, 2, [2, 4]],
    ])
    for (const span of traces.flatMap(({ body }) => decodeSpans(body))) {
      expect(span.resource).toEqual({ 'service.name': 'test' })
      expect(span.scope).toBe(numberOf(span) === 3 ? 'openai' : 'langfuse-sdk')
    }
  })

  it('keeps every byte of every span, whatever the mix of traces and scopes', () => {
    const mixes = fc.array(
      fc.record({ trace: fc.integer({ min: 0, max: 4 }), scope: fc.constantFrom('a', 'b') }),
      {
        minLength: 1,
        maxLength: 40,
      },
    )
    fc.assert(
      fc.property(mixes, mix => {
        const record = encodedSpans(mix.map(({ trace, scope }, index) => spanOf(trace, index + 1, scope)))
        const halves = splitRequest(record) ?? [record]
        const traces = splitByTrace(Buffer.concat(halves.map(({ body }) => body)))
        expect(byNumber(traces.flatMap(({ body }) => decodeSpans(body)))).toEqual(
          byNumber(decodeSpans(record.body)),
        )
        expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(traces.length)
        for (const { traceId, body } of traces) {
          expect(new Set(decodeSpans(body).map(span => span.traceId))).toEqual(new Set([traceId]))
          expect(decodeRequest(body).every(({ scopeSpans }) => scopeSpans.length > 0)).toBe(true)
        }
      }),
    )
  })

  it('throws a RangeError on bytes that are not protobuf', () => {
    expect(() => splitByTrace(Buffer.from('<html>'))).toThrow(RangeError)
  })
})

function byNumber(spans: Message[]): Message[] {
  return spans.sort((left, right) => numberOf(left) - numberOf(right))
}
