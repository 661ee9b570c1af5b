import { isDefaultExportSpan, LangfuseSpanProcessor } from '@langfuse/otel'
import { type Context, context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { defaultResource } from '@opentelemetry/resources'
import { BasicTracerProvider, RandomIdGenerator, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import fc from 'fast-check'
import { createLog } from '../src/basics/logger.ts'
import { loadOtel } from '../src/basics/otel.ts'
import { figuresOf, type HeldTrace } from '../src/buffer/held-trace.ts'
import type { RootSpan } from '../src/buffer/root-span.ts'
import { createRootStarter } from '../src/buffer/start-root.ts'
import { createTraceBuffer } from '../src/buffer/trace-buffer.ts'
import type { Refusal } from '../src/export/refusal.ts'
import type { BufferOptions } from '../src/options/tracing-options.ts'
import { createSampler } from '../src/provider/sampler.ts'
import { createRequestRecords } from '../src/request/request-record.ts'
import { RequestState } from '../src/request/request-state.ts'

const otel = loadOtel()
const LEVEL = 'langfuse.observation.level'
const OK = { end: 'completed', statusCode: 200 } as const

beforeAll(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))
afterAll(() => context.disable())

/** The buffer in front of Langfuse's own processor, with a clock that is moved by hand. */
function createBench(limits: BufferOptions = {}) {
  const sent: ReadableSpan[] = []
  let now = 0
  const refusal: Refusal = { active: false }
  const processor = new LangfuseSpanProcessor({
    exporter: {
      export(spans, done) {
        sent.push(...spans)
        done({ code: 0 })
      },
      shutdown: async () => {},
    },
    exportMode: 'immediate',
    mediaUploadEnabled: false,
    shouldExportSpan: ({ otelSpan }) => !refusal.active && isDefaultExportSpan(otelSpan),
  })
  const log = createLog({ info() {}, warn() {}, error() {} })
  const records = createRequestRecords(
    otel,
    { version: undefined, emptyRequests: 'keep', llmEntry: false },
    log,
  )
  const buffer = createTraceBuffer({
    otel,
    limits: {
      maxSpansPerTrace: 1_000,
      maxBytesPerTrace: 1e9,
      maxTraces: 10_000,
      maxBytes: 1e9,
      maxAgeMs: 60_000,
      ...limits,
    },
    records,
    next: processor,
    refusal,
    isExported: isDefaultExportSpan,
    log,
    now: () => now,
  })
  const provider = new BasicTracerProvider({
    spanProcessors: [buffer],
    sampler: createSampler(otel, 1, buffer.traceOf),
  })
  const langfuse = provider.getTracer('langfuse-sdk')
  const foreign = provider.getTracer('some-database-driver')
  const ids = new RandomIdGenerator()
  const startRoot = createRootStarter(otel, defaultResource(), buffer, () => ids.generateSpanId())

  return {
    buffer,
    sent,
    langfuse,
    foreign,
    /** How many spans Langfuse's processor still waits for. */
    expected: () =>
      (processor as unknown as { spanExportExpectationById: Map<string, boolean> }).spanExportExpectationById
        .size,
    advance(milliseconds: number) {
      now += milliseconds
    },
    async names() {
      await processor.forceFlush()
      return sent.map(span => span.name)
    },
    /** A request of user ada whose trace is kept: always, never, or if anything in it failed. */
    open(keep: boolean | 'if failed' = true) {
      const sampling = {
        rate: keep === true ? 1 : 0,
        keepErrors: keep === 'if failed',
        keepSlowerThanMs: Number.POSITIVE_INFINITY,
        keepAborted: false,
        keep: undefined,
      }
      const start = { newRequestId: () => '', traceId: ids.generateTraceId(), name: 'root', sampling }
      const request = new RequestState(start, log)
      request.setUser('ada')
      const place = { parent: undefined, context: ROOT_CONTEXT, links: undefined }
      const held = startRoot(request, place)
      const root = held.root as RootSpan
      const recordOf = (provisional: boolean) =>
        records.recordOf(request, OK, {
          figures: figuresOf(held),
          response: { measured: undefined, captured: undefined },
          decided: held.decision === 'pending' ? undefined : held.decision,
          provisional,
        })
      const endRoot = () => {
        if (request.outcome !== undefined) return
        request.end(OK)
        root.end()
      }
      return {
        held,
        root,
        within: trace.setSpan(buffer.contextFor(held, ROOT_CONTEXT), root),
        /** Ends the request, whose trace waits for more work. */
        wait() {
          endRoot()
          buffer.wait(held, recordOf(true))
        },
        end() {
          endRoot()
          buffer.end(held, recordOf(false))
        },
      }
    },
  }
}

describe('a trace', () => {
  it('leaves nothing behind, kept or dropped', async () => {
    const bench = createBench()
    for (const keep of [true, false]) {
      const { end, within } = bench.open(keep)
      bench.langfuse.startSpan('child', {}, within).end()
      expect(await bench.names()).toEqual(keep ? [] : ['child', 'root'])
      end()
    }
    expect(await bench.names()).toEqual(['child', 'root'])
    expect(bench.expected()).toBe(0)
    expect(bench.buffer.stats()).toMatchObject({ open: 0, held: 0, heldBytes: 0, kept: 1, dropped: 1 })
  })

  it('stamps the user that the request set on every span, also on one that has another', async () => {
    const bench = createBench()
    const { end, within } = bench.open()
    bench.langfuse.startSpan('plain', {}, within).end()
    bench.langfuse.startSpan('own', { attributes: { 'user.id': 'bob' } }, within).end()
    end()
    await bench.names()
    expect(bench.sent.map(span => span.attributes['user.id'])).toEqual(['ada', 'ada', 'ada'])
  })

  it('waits for promises besides its root', async () => {
    const bench = createBench()
    const { wait, end, within } = bench.open()
    wait()
    bench.langfuse.startSpan('after the response', {}, within).end()
    expect(await bench.names()).toEqual([])
    end()
    expect(await bench.names()).toEqual(['after the response', 'root'])
    expect(bench.buffer.stats().open).toBe(0)
  })

  it('takes a child that ends after the verdict along, without making it a root', async () => {
    const bench = createBench()
    const { root, end, within } = bench.open()
    const child = bench.langfuse.startSpan('late', {}, within)
    end()
    expect(await bench.names()).toEqual(['root'])
    child.end()
    expect(await bench.names()).toEqual(['root', 'late'])
    expect(bench.sent[1]?.parentSpanContext?.spanId).toBe(root.spanContext().spanId)
    expect(bench.sent[1]?.attributes['langfuse.internal.is_app_root']).toBeUndefined()
    expect(bench.buffer.stats().open).toBe(0)
  })

  it('forgets a child that ends after it was dropped, and records none that start then', async () => {
    const bench = createBench()
    const { end, within } = bench.open(false)
    const child = bench.langfuse.startSpan('late', {}, within)
    end()
    child.end()
    const later = bench.langfuse.startSpan('later', {}, within)
    expect(later.isRecording()).toBe(false)
    expect(await bench.names()).toEqual([])
    expect(bench.expected()).toBe(0)
    expect(bench.buffer.stats().open).toBe(0)
  })

  it('hangs what is under a foreign span on the observation above it', async () => {
    const bench = createBench()
    const { root, end, within } = bench.open()
    const query = bench.foreign.startSpan('query', {}, within)
    const inner = bench.foreign.startSpan('inner', {}, trace.setSpan(within, query))
    const child = bench.langfuse.startSpan('generation', {}, trace.setSpan(within, inner))
    child.end()
    inner.end()
    query.end()
    const early = bench.langfuse.startSpan('second', {}, trace.setSpan(within, query))
    early.end()
    end()
    expect((await bench.names()).sort()).toEqual(['generation', 'root', 'second'])
    for (const span of bench.sent) {
      if (span.name === 'root') continue
      expect(span.parentSpanContext?.spanId).toBe(root.spanContext().spanId)
      expect(span.attributes['langfuse.internal.is_app_root']).toBeUndefined()
    }
    expect(bench.expected()).toBe(0)
  })

  it('rolls its generations up on the root', async () => {
    const bench = createBench()
    const { end, within } = bench.open()
    for (const [model, tokens] of [
      ['gpt-a', 10],
      ['gpt-b', 5],
    ] as const) {
      const attributes = {
        'langfuse.observation.type': 'generation',
        'langfuse.observation.model.name': model,
        'langfuse.observation.usage_details': JSON.stringify({ input: tokens, output: 1 }),
        'langfuse.observation.cost_details': JSON.stringify({ total: 0.5 }),
      }
      bench.langfuse.startSpan('generation', { attributes }, within).end()
    }
    bench.langfuse.startSpan('failing', { attributes: { [LEVEL]: 'ERROR' } }, within).end()
    end()
    await bench.names()
    expect(bench.sent.at(-1)?.attributes).toMatchObject({
      'langfuse.observation.metadata.observations': '3',
      'langfuse.observation.metadata.generations': '2',
      'langfuse.observation.metadata.totalTokens': '17',
      'langfuse.observation.metadata.totalCost': '1',
      'langfuse.observation.metadata.models': 'gpt-a, gpt-b',
      'langfuse.observation.metadata.errors': '1',
    })
  })
})

describe('bounds', () => {
  it.each([
    ['spans', { maxSpansPerTrace: 10 }],
    ['bytes', { maxBytesPerTrace: 5_000 }],
    ['totalBytes', { maxBytes: 5_000 }],
  ] as const)(
    'on %s: one request with many children is decided early and streamed',
    async (bound, limits) => {
      const bench = createBench(limits)
      const { end, within } = bench.open()
      for (let index = 0; index < 10_000; index += 1) bench.langfuse.startSpan('child', {}, within).end()
      expect(bench.buffer.stats().decidedEarly[bound]).toBe(1)
      expect(bench.buffer.stats()).toMatchObject({ held: 0, heldBytes: 0 })
      end()
      expect(await bench.names()).toHaveLength(10_001)
      expect(bench.expected()).toBe(0)
      expect(bench.buffer.stats().open).toBe(0)
    },
  )

  it('on traces: children that never end are ended, so that memory stays flat', async () => {
    const bench = createBench({ maxTraces: 100 })
    for (let index = 0; index < 5_000; index += 1) {
      const { end, within } = bench.open(index % 2 === 0)
      bench.langfuse.startSpan('never ended', {}, within)
      end()
    }
    expect(bench.buffer.stats().open).toBeLessThanOrEqual(100)
    expect(bench.expected()).toBeLessThanOrEqual(100)
    bench.advance(1e9)
    bench.buffer.closeAll()
    expect(bench.expected()).toBe(0)
    const names = await bench.names()
    expect(names.filter(name => name === 'root')).toHaveLength(2_500)
    expect(names.filter(name => name === 'never ended')).toHaveLength(2_500)
    const unfinished = bench.sent.find(span => span.name === 'never ended')
    expect(unfinished?.attributes[LEVEL]).toBe('WARNING')
  })

  it('on traces: a live request goes on, and its late children are still cleared up', async () => {
    const bench = createBench({ maxTraces: 1 })
    const first = bench.open()
    const second = bench.open()
    expect(bench.buffer.stats().decidedEarly.traces).toBe(1)
    bench.langfuse.startSpan('of the first', {}, first.within).end()
    bench.langfuse.startSpan('never ended', {}, first.within)
    first.end()
    second.end()
    bench.buffer.closeAll()
    expect((await bench.names()).sort()).toEqual(['never ended', 'of the first', 'root', 'root'])
    expect(bench.expected()).toBe(0)
  })

  it('on age: decides what is too old on what is known', async () => {
    jest.useFakeTimers()
    try {
      const bench = createBench({ maxAgeMs: 1_000 })
      const { end, within } = bench.open('if failed')
      const { within: quiet } = bench.open('if failed')
      bench.langfuse.startSpan('failed', { attributes: { [LEVEL]: 'ERROR' } }, within).end()
      bench.langfuse.startSpan('fine', {}, quiet).end()
      bench.advance(2_000)
      jest.advanceTimersByTime(2_000)
      jest.useRealTimers()
      expect(bench.buffer.stats().decidedEarly.age).toBe(2)
      expect(await bench.names()).toEqual(['failed'])
      end()
      expect(await bench.names()).toEqual(['failed', 'root'])
    } finally {
      jest.useRealTimers()
    }
  })
})

interface Node {
  readonly parent: number
  readonly foreign: boolean
  readonly failed: boolean
  readonly fate: 'ends' | 'ends late' | 'never ends'
}

const node = fc.record({
  parent: fc.nat(),
  foreign: fc.boolean(),
  failed: fc.boolean(),
  fate: fc.constantFrom('ends', 'ends', 'ends late', 'never ends'),
}) as fc.Arbitrary<Node>

const scenario = fc.record({
  nodes: fc.array(node, { maxLength: 25 }),
  order: fc.array(fc.nat(), { maxLength: 25 }),
  base: fc.boolean(),
  waits: fc.boolean(),
  maxSpansPerTrace: fc.constantFrom(1, 3, 1_000),
})

it('sends every observation once with its whole trace, or none, with every parent present', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(scenario, { minLength: 1, maxLength: 4 }), async scenarios => {
      const bench = createBench({ maxSpansPerTrace: scenarios[0]?.maxSpansPerTrace ?? 1 })
      const plans: { root: Span; observations: Span[]; ended: Span[]; held: HeldTrace }[] = []
      for (const { nodes, order, base, waits } of scenarios) {
        const { held, root, end, wait, within } = bench.open(base || 'if failed')
        const contexts = [within]
        const spans = nodes.map(({ parent, foreign, failed }) => {
          const tracer = foreign ? bench.foreign : bench.langfuse
          const attributes = failed && !foreign ? { [LEVEL]: 'ERROR' } : {}
          const span = tracer.startSpan(
            foreign ? 'foreign' : 'child',
            { attributes },
            contexts[parent % contexts.length] as Context,
          )
          contexts.push(trace.setSpan(within, span))
          return span
        })
        const early = nodes.flatMap(({ fate }, index) => (fate === 'ends' ? [index] : []))
        const shuffled = [...early].sort((a, b) => (order[a] ?? 0) - (order[b] ?? 0))
        for (const index of shuffled) spans[index]?.end()
        if (waits) wait()
        end()
        for (const [index, { fate }] of nodes.entries()) if (fate === 'ends late') spans[index]?.end()
        plans.push({
          held,
          root,
          observations: spans.filter((_span, index) => !nodes[index]?.foreign),
          ended: [],
        })
      }
      bench.buffer.closeAll()
      await bench.names()

      const byId = new Map(bench.sent.map(span => [span.spanContext().spanId, span]))
      expect(byId.size).toBe(bench.sent.length)
      for (const { held, root, observations } of plans) {
        const all = [root, ...observations].map(span => span.spanContext().spanId)
        const arrived = all.filter(id => byId.has(id))
        // Every span recorded before the verdict shares it; none starts after it here.
        expect(arrived.length).toBe(held.decision === 'keep' ? all.length : 0)
      }
      for (const span of bench.sent) {
        expect(span.name).not.toBe('foreign')
        const parent = span.parentSpanContext
        if (span.name === 'root') expect(parent).toBeUndefined()
        else expect(byId.has(parent?.spanId ?? '')).toBe(true)
        expect(span.attributes['user.id']).toBe('ada')
      }
      expect(bench.expected()).toBe(0)
      expect(bench.buffer.stats()).toMatchObject({ open: 0, held: 0, heldBytes: 0 })
    }),
    { numRuns: 300 },
  )
})

it('closes what a failed request left open, as of its end', async () => {
  const bench = createBench()
  const { held, root, end, within } = bench.open()
  // Start times tick in milliseconds, so that a child may seem to start after its root's end.
  const { startTime } = root as unknown as ReadableSpan
  bench.langfuse.startSpan('stream that broke', { startTime }, within)
  end()
  bench.buffer.close(held)
  await bench.names()
  const [sentRoot, left] = bench.sent
  expect(left?.name).toBe('stream that broke')
  expect(left?.endTime).toEqual(sentRoot?.endTime)
  expect(left?.attributes[LEVEL]).toBe('WARNING')
  expect(bench.expected()).toBe(0)
  expect(bench.buffer.stats().open).toBe(0)
})
