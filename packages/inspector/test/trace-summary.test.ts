import fc from 'fast-check'
import { encodeJson } from '../src/otlp/otlp-encode.ts'
import { decodeJson } from '../src/otlp/otlp-json.ts'
import type { OtlpSpan } from '../src/otlp/otlp-span.ts'
import { boundSpan } from '../src/otlp/span-bounds.ts'
import { buildTrace } from '../src/reading/trace.ts'
import { summariseTrace } from '../src/reading/trace-summary.ts'
import { outlineTrace } from '../src/server/trace-outline.ts'
import { jsonExport, jsonSpan } from './span-fixture.ts'

const decode = (spans: unknown[]): OtlpSpan[] => decodeJson(Buffer.from(jsonExport(spans))).spans
const state = { settled: true, revision: 1 }

const someSpan = fc.record(
  {
    id: fc.integer({ min: 1, max: 12 }).map(String),
    parent: fc.option(fc.integer({ min: 1, max: 14 }).map(String), { nil: undefined }),
    name: fc.string(),
    startMs: fc.integer({ min: 0, max: 50 }),
    durationMs: fc.integer({ min: 0, max: 50 }),
    attributes: fc.dictionary(
      fc.constantFrom(
        'langfuse.trace.name',
        'langfuse.observation.level',
        'langfuse.observation.model.name',
        'langfuse.observation.usage_details',
        'langfuse.observation.cost_details',
        'langfuse.observation.metadata.statusCode',
        'user.id',
        'session.id',
        'langfuse.trace.tags',
      ),
      fc.constantFrom('ERROR', 'warning', '{"input":3,"output":4}', '{"total":0.5}', '404', 'a,b', 'gpt'),
    ),
  },
  { requiredKeys: ['id', 'name', 'startMs', 'durationMs', 'attributes'] },
)
const someTrace = fc.uniqueArray(someSpan, { minLength: 1, maxLength: 12, selector: ({ id }) => id })

it('sums up any trace as building it would', () => {
  fc.assert(
    fc.property(someTrace, fixtures => {
      const spans = decode(
        fixtures.map(({ parent, ...rest }) => jsonSpan({ ...rest, ...(parent && { parent }) })),
      )
      const built = buildTrace(spans, [], state)
      const summary = summariseTrace(spans, [], [], state)
      for (const key of [
        'id',
        'level',
        'statusCode',
        'startTimeMs',
        'endTimeMs',
        'userId',
        'sessionId',
      ] as const)
        expect(summary[key]).toEqual(built[key])
      // Where the top of a trace is a circle of parents, any of it may stand for the whole.
      if (built.root) expect(summary.name).toBe(built.name)
      expect(new Set(summary.tags)).toEqual(new Set(built.tags))
      expect(new Set(summary.totals.models)).toEqual(new Set(built.totals.models))
      expect(summary.totals.tokens).toEqual(built.totals.tokens)
      expect(summary.observationCount).toBe(built.observations.length)
      expect(outlineTrace({ ended: spans, running: [] }).map(({ id }) => id)).toEqual(
        built.observations.map(({ id }) => id),
      )
    }),
  )
})

it('names the models that did most first', () => {
  const usage = (model: string, total: number): Record<string, string> => ({
    'langfuse.observation.model.name': model,
    'langfuse.observation.usage_details': JSON.stringify({ total }),
  })
  const spans = decode([
    jsonSpan({ id: '1', attributes: usage('embedding', 3) }),
    jsonSpan({ id: '2', parent: '1', attributes: usage('large', 900) }),
  ])
  expect(summariseTrace(spans, [], [], state).totals.models).toEqual(['large', 'embedding'])
})

it('writes spans as OTLP JSON that reads as it was, whatever the values', () => {
  const value: fc.Arbitrary<unknown> = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.record({ stringValue: fc.string({ unit: 'binary' }) }),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ intValue: fc.maxSafeInteger().map(String) }),
      fc.record({ doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
      fc.record({ arrayValue: fc.record({ values: fc.array(tie('value')) }) }),
      fc.record({
        kvlistValue: fc.record({
          values: fc.array(fc.record({ key: fc.constantFrom('a', '__proto__', ''), value: tie('value') })),
        }),
      }),
    ),
  })).value
  fc.assert(
    fc.property(fc.array(fc.record({ key: fc.string(), value })), attributes => {
      const [span] = decode([
        {
          ...jsonSpan({ parent: '2', durationMs: 0.123 }),
          attributes,
          events: [{ name: 'exception', timeUnixNano: '1000000', attributes }],
          links: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }],
          status: { code: 2, message: 'boom' },
        },
      ])
      expect(decodeJson(Buffer.from(encodeJson([span!]))).spans).toEqual([span])
    }),
  )
})

it('keeps of an excessive span what fits, and says what is missing', () => {
  const attributes = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`key${index}`, 'v']))
  const [span] = decode([
    { ...jsonSpan({ name: 'n'.repeat(9_000), attributes: { long: 'x'.repeat(5_000), ...attributes } }) },
  ])
  const bounded = boundSpan(span!, { maxAttributes: 100, maxValueLength: 1_000 })
  expect(Object.keys(bounded.attributes)).toHaveLength(100)
  expect(bounded.attributes.long).toBe(`${'x'.repeat(1_000)}… (4,000 more characters not kept)`)
  expect(bounded.name.length).toBeLessThan(2_100)
})
