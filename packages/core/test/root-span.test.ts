import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startObservation } from '@langfuse/tracing'
import { getTracing, initTracing, type TracingOptions } from '@langfuse-middleware/core'
import {
  createRequestTracer,
  type Outcome,
  type RequestLike,
  type TracedRequest,
} from '@langfuse-middleware/core/adapter'
import { type Attributes, type HrTime, trace as otelTrace, ROOT_CONTEXT, type Span } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  type Span as SdkSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import fc from 'fast-check'
import { decodeSpans, type Message, toObject } from '../../delivery/test/support/otlp-decoder.ts'
import { loadOtel } from '../src/basics/otel.ts'
import { RootSpan } from '../src/buffer/root-span.ts'

const REQUEST_ID = 'langfuse.observation.metadata.requestId'
const GENERATION_MS = 'langfuse.observation.metadata.generationMs'

const otel = loadOtel()
const resource = resourceFromAttributes({ 'service.name': 'shop' })
const provider = new BasicTracerProvider({ resource })

/** One of the SDK's spans and one of ours, of the same ids. */
function twins(): [sdk: Span & ReadableSpan, ours: RootSpan] {
  const sdk = provider.getTracer('langfuse-sdk', '1').startSpan('GET') as Span & ReadableSpan
  const { instrumentationScope } = sdk
  const ours = new RootSpan(
    { otel, resource, instrumentationScope, maxAttributes: 128 },
    {
      name: 'GET',
      method: 'GET',
      own: sdk.spanContext(),
      parent: undefined,
      links: undefined,
      startedAt: performance.now(),
    },
  )
  return [sdk, ours]
}

const text = (body: Uint8Array | undefined) => Buffer.from(body ?? []).toString('latin1')

const anyText = fc.string({ maxLength: 8 })
const anyTime: fc.Arbitrary<HrTime> = fc.tuple(
  fc.integer({ min: 2e9, max: 3e9 }),
  fc.integer({ min: 0, max: 999 }),
)
const anyValue = fc.oneof(
  anyText,
  fc.integer(),
  fc.boolean(),
  fc.array(anyText),
  fc.constantFrom(undefined, null, {}, [1, 'a'], Symbol('x')),
)
const anyAttributes = fc.dictionary(anyText, anyValue) as fc.Arbitrary<Attributes>
const link = (attributes: Attributes) => ({
  context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
  attributes,
})
const anyCall: fc.Arbitrary<(span: Span) => unknown> = fc.oneof(
  fc.tuple(anyText, anyValue).map(
    ([name, value]) =>
      (span: Span) =>
        span.setAttribute(name, value as string),
  ),
  anyAttributes.map(attributes => (span: Span) => span.setAttributes(attributes)),
  anyText.map(name => (span: Span) => span.updateName(name)),
  fc.tuple(fc.constantFrom(0, 1, 2), anyText).map(
    ([code, message]) =>
      (span: Span) =>
        span.setStatus({ code, message }),
  ),
  fc.tuple(anyText, anyAttributes, anyTime).map(
    ([name, attributes, time]) =>
      (span: Span) =>
        span.addEvent(name, attributes, time),
  ),
  fc.tuple(anyText, anyTime).map(
    ([name, time]) =>
      (span: Span) =>
        span.addEvent(name, time),
  ),
  anyAttributes.map(attributes => (span: Span) => span.addLink(link(attributes))),
  anyAttributes.map(attributes => (span: Span) => span.addLinks([link(attributes), link({})])),
  fc
    .tuple(
      fc.constantFrom('boom', new TypeError('bad'), Object.assign(new Error('gone'), { code: 'E1' })),
      anyTime,
    )
    .map(
      ([error, time]) =>
        (span: Span) =>
          span.recordException(error, time),
    ),
  anyTime.map(time => (span: Span) => span.end(time)),
)

it('does what the span of the SDK does, and is serialised alike', () => {
  fc.assert(
    fc.property(fc.array(anyCall, { maxLength: 20 }), anyTime, (calls, end) => {
      const [sdk, ours] = twins()
      for (const call of calls) for (const span of [sdk, ours]) call(span)
      expect(ours.isRecording()).toBe(sdk.isRecording())
      for (const span of [sdk, ours]) span.end(end)
      expect(ours.ended).toBe(true)
      const start = { value: [1_700_000_000, 0] }
      const duration = { value: [1, 0] }
      const [theirs, own] = [sdk, ours].map(
        span => Object.create(span, { startTime: start, duration }) as ReadableSpan,
      )
      for (const serializer of [JsonTraceSerializer, ProtobufTraceSerializer]) {
        expect(text(serializer.serializeRequest([own!]))).toBe(text(serializer.serializeRequest([theirs!])))
      }
    }),
  )
})

it('keeps as many attributes as it may', () => {
  const [, root] = twins()
  for (let index = 0; index < 130; index += 1) root.setAttribute(`key${index}`, index)
  root.setAttribute('key0', 'changed')
  expect(Object.keys(root.attributes)).toHaveLength(128)
  expect(root.attributes.key0).toBe('changed')
  expect(root.droppedAttributesCount).toBe(2)
})

it("looks to an app's own processor, and to an exporter of OpenTelemetry, as a span of the SDK does", async () => {
  const seen: unknown[] = []
  const own: Pick<SpanProcessor, 'onStart' | 'onEnd'> = {
    onStart: span => span.setAttribute('tenant', 'shop-1'),
    onEnd({ name, kind, ended, status, attributes, resource, parentSpanContext }) {
      seen.push({ name, kind, ended, status, attributes: { ...attributes }, resource, parentSpanContext })
    },
  }
  const exporter = new InMemorySpanExporter()
  const batches = new BatchSpanProcessor(exporter)
  const [sdk, ours] = twins()
  for (const span of [sdk, ours]) {
    own.onStart(span as SdkSpan, ROOT_CONTEXT)
    batches.onStart(span as SdkSpan, ROOT_CONTEXT)
    span.setStatus({ code: 2, message: 'out of stock' }).end()
    own.onEnd(span)
    batches.onEnd(span)
  }
  await batches.forceFlush()
  expect(seen[1]).toEqual(seen[0])
  expect(seen[1]).toMatchObject({ attributes: { tenant: 'shop-1' }, status: { message: 'out of stock' } })
  expect(exporter.getFinishedSpans()).toEqual([sdk, ours])
})

it('tells its times while it is open, and when it has ended', async () => {
  const before = Date.now()
  const [, root] = twins()
  expect(root.duration).toEqual([-1, -1])
  await new Promise(resolve => setTimeout(resolve, 20))
  root.end()
  const toMs = otel.core.hrTimeToMilliseconds
  expect(toMs(root.startTime)).toBeGreaterThanOrEqual(before)
  expect(toMs(root.duration)).toBeGreaterThanOrEqual(19)
  expect(toMs(root.endTime) - toMs(root.startTime)).toBeCloseTo(toMs(root.duration), 2)
})

describe('a request', () => {
  const OK: Outcome = { end: 'completed', statusCode: 200, route: '/' }
  let bodies: Buffer[] = []
  let server: Server

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      bodies.push(Buffer.concat(chunks))
      response.end()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
  })

  afterAll(() => {
    server.close()
  })

  /** The spans that such a request sends, by name, without what is random in them. */
  async function sent(options: TracingOptions, request: RequestLike, work: (traced: TracedRequest) => void) {
    bodies = []
    const tracing = initTracing({
      publicKey: 'pk-lf-public',
      secretKey: 'sk-lf-secret',
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      logger: { info() {}, warn() {}, error() {} },
      shutdown: { signals: false },
      ...options,
    })
    const traced = createRequestTracer({ trust: true }).start(request)
    traced.run(() => work(traced))
    const { delivered } = await tracing.shutdown()
    const spans = bodies.flatMap(decodeSpans) as Message[]
    expect(spans).toHaveLength(delivered)
    const names = new Map(spans.map(({ spanId, name }) => [String(spanId), name]))
    const byName = spans.toSorted((one, other) => String(one.name).localeCompare(String(other.name)))
    return byName.map(({ traceId, spanId, parentSpanId, start, end, attributes, ...rest }) => {
      const { [REQUEST_ID]: requestId, [GENERATION_MS]: _, ...same } = toObject(attributes)
      expect(same['langfuse.environment']).toBe(options.environment ?? 'test')
      if (names.get(String(parentSpanId)) === undefined) expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
      return { ...rest, parent: names.get(String(parentSpanId)) ?? String(parentSpanId), attributes: same }
    })
  }

  afterEach(() => getTracing()?.shutdown())

  const caller = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
  it.each<[string, TracingOptions, RequestLike['headers'], (traced: TracedRequest) => void]>([
    ['that is plain', {}, {}, traced => traced.end(OK)],
    ['of a release', { release: 'r1', version: 'v1', environment: 'staging' }, {}, traced => traced.end(OK)],
    ['of somebody', {}, { 'x-user-id': 'ada', 'x-session-id': 's1' }, traced => traced.end(OK)],
    ['of a caller', {}, caller, traced => traced.end(OK)],
    [
      'of a caller that Langfuse knows',
      {},
      { ...caller, baggage: `langfuse_trace_id=${'a'.repeat(32)},langfuse_user_id=ada` },
      traced => traced.end(OK),
    ],
    [
      'that says more',
      {},
      {},
      traced => {
        traced.trace.addTags('one', 'two')
        traced.trace.setName('named')
        traced.trace.setUser('bob')
        traced.end({ end: 'completed', statusCode: 404 })
      },
    ],
    [
      'that failed',
      { llmEntry: true },
      {},
      traced => {
        traced.fail(new Error('boom'))
        traced.end({ end: 'completed', statusCode: 500, route: '/' })
      },
    ],
    [
      'with content of its own',
      {},
      {},
      traced => {
        traced.trace.update({ input: { question: 1 }, output: 'answer', metadata: { more: true } })
        traced.trace.setMetadata({ tenant: 't' })
        traced.end(OK)
      },
    ],
    [
      'with observations under it',
      { release: 'r1' },
      { 'x-user-id': 'ada' },
      traced => {
        const agent = startObservation('agent', { input: 'question' }, { asType: 'agent' })
        agent.startObservation('lookup', { level: 'ERROR' }, { asType: 'tool' }).end()
        // Not sent itself, so that what is under it gets another parent.
        otelTrace.getTracer('a database').startActiveSpan('query', query => {
          const usageDetails = { input: 5, output: 10 }
          const said = { model: 'm', input: 'ü', output: { text: 'o' }, usageDetails }
          startObservation('answer', said, { asType: 'generation' }).end()
          query.end()
        })
        traced.trace.addTags('later')
        traced.end(OK)
        agent.end()
      },
    ],
  ])('%s is sent as the processor of Langfuse sends it', async (_name, options, headers, work) => {
    const request = { method: 'GET', url: '/?a=1', headers }
    const short = await sent(options, request, work)
    // With a mask everything takes the long way.
    const masked = await sent({ ...options, mask: ({ data }) => data }, request, work)
    expect(short).toEqual(masked)
  })

  const word = fc.string({ minLength: 1, maxLength: 12 })
  const value = fc.oneof(word, fc.integer(), fc.boolean(), fc.dictionary(word, word, { maxKeys: 3 }))
  const metadata = fc.dictionary(fc.constantFrom('tenant', 'plan', 'a.b', '__proto', 'ü'), value)
  const calls: fc.Arbitrary<(traced: TracedRequest) => void> = fc.oneof(
    word.map(user => (traced: TracedRequest) => traced.trace.setUser(user)),
    word.map(session => (traced: TracedRequest) => traced.trace.setSession(session)),
    fc.array(word, { maxLength: 3 }).map(tags => (traced: TracedRequest) => traced.trace.addTags(...tags)),
    word.map(name => (traced: TracedRequest) => traced.trace.setName(name)),
    metadata.map(data => (traced: TracedRequest) => traced.trace.setMetadata(data)),
    fc
      .record(
        { input: value, output: value, metadata, level: fc.constantFrom('DEBUG', 'ERROR') },
        { requiredKeys: [] },
      )
      .map(update => (traced: TracedRequest) => traced.trace.update(update as never)),
    word.map(message => (traced: TracedRequest) => traced.fail(new Error(message))),
    word.map(name => () => startObservation(name, { input: name }).end()),
  )
  const tracingOptions: fc.Arbitrary<TracingOptions> = fc.record(
    {
      release: fc.constantFrom('r1', 'v2.0.0'),
      version: fc.constantFrom('1', '2'),
      environment: fc.constantFrom('staging', 'production'),
      llmEntry: fc.boolean(),
      media: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  const headers: fc.Arbitrary<RequestLike['headers']> = fc.record(
    {
      'user-agent': fc.constant('agent/1'),
      'x-user-id': fc.constant('ada'),
      traceparent: fc.constant(caller.traceparent),
      baggage: fc.constant(`langfuse_trace_id=${'a'.repeat(32)},langfuse_session_id=s1`),
    },
    { requiredKeys: [] },
  )
  const outcome: fc.Arbitrary<Outcome> = fc.record({
    end: fc.constantFrom('completed', 'client_aborted', 'timed_out', 'stream_error'),
    statusCode: fc.constantFrom(200, 404, 500, undefined),
    route: fc.constantFrom('/users/:id', undefined),
  })

  it('of any kind is sent as the processor of Langfuse sends it, whatever its options', async () => {
    await fc.assert(
      fc.asyncProperty(
        tracingOptions,
        headers,
        fc.array(calls, { maxLength: 6 }),
        outcome,
        async (options, headers, calls, outcome) => {
          const work = (traced: TracedRequest) => {
            for (const call of calls) call(traced)
            traced.end(outcome)
          }
          const request = { method: 'POST', url: '/users/1?a=1', headers }
          const short = await sent(options, request, work)
          expect(short).toEqual(await sent({ ...options, mask: ({ data }) => data }, request, work))
        },
      ),
      { numRuns: 40 },
    )
  })
})
