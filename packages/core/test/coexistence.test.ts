import { observe, startActiveObservation, startObservation } from '@langfuse/tracing'
import {
  currentRequest,
  langfuseSpanProcessor,
  runWithContext,
  safeTrace,
  traceJob,
} from '@langfuse-middleware/core'
import { type RecordedTrace, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

const theirs = new InMemorySpanExporter()
let recorder: Recorder | undefined

beforeAll(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))
afterAll(() => context.disable())
beforeEach(() => theirs.reset())
afterEach(async () => {
  await recorder?.close()
  recorder = undefined
  trace.disable()
})

/** An SDK of the app's own, that is the global one. */
function startTheirs({ handsOn = true }: { handsOn?: boolean } = {}): void {
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(theirs), ...(handsOn ? [langfuseSpanProcessor()] : [])],
  })
  trace.setGlobalTracerProvider(provider)
}

/** Starts a recorder that keeps the warnings. */
function record(options: Parameters<typeof recordTraces>[0]): { recorder: Recorder; warnings: string[] } {
  const warnings: string[] = []
  recorder = recordTraces({
    ...options,
    logger: { info() {}, warn: line => warnings.push(line), error: line => warnings.push(line) },
  })
  return { recorder, warnings }
}

async function inSpan<T>(name: string, work: () => Promise<T>, attributes = {}): Promise<T> {
  const tracer = trace.getTracer(name.startsWith('ai.') ? 'ai' : 'theirs')
  return tracer.startActiveSpan(name, { attributes }, async span => {
    try {
      return await work()
    } finally {
      span.end()
    }
  })
}

function tree({ observations, orphans }: RecordedTrace): [string, string | undefined][] {
  expect(orphans).toEqual([])
  const nameOf = (id: string | undefined) => observations.find(one => one.id === id)?.name
  return observations
    .map(({ name, parentId }): [string, string | undefined] => [name, nameOf(parentId)])
    .sort()
}

function theirTree(): [string, string | undefined][] {
  const spans = theirs.getFinishedSpans()
  const nameOf = (id: string | undefined) => spans.find(span => span.spanContext().spanId === id)?.name ?? id
  return spans
    .map(({ name, parentSpanContext }): [string, string | undefined] => [
      name,
      nameOf(parentSpanContext?.spanId),
    ])
    .sort()
}

/** A request in their HTTP span: observations, a span of theirs that Langfuse shows, one that it does not. */
async function request(): Promise<void> {
  const step = observe(async () => inSpan('their query', async () => {}), { name: 'step' })
  await inSpan('GET', () =>
    traceJob('ours', async () => {
      currentRequest()?.setUser('ada')
      await safeTrace('retrieve', step)
      await inSpan('ai.generateText', () =>
        inSpan('their call', () =>
          inSpan('ai.doGenerate', async () => {}, { 'gen_ai.request.model': 'gpt-4.1-mini' }),
        ),
      )
    }),
  )
}

const OURS = [
  ['ai.doGenerate', 'ai.generateText'],
  ['ai.generateText', 'ours'],
  ['ours', undefined],
  ['retrieve', 'ours'],
  ['step', 'retrieve'],
]
const THEIRS = [
  ['GET', undefined],
  ['ai.doGenerate', 'their call'],
  ['ai.generateText', 'GET'],
  ['their call', 'ai.generateText'],
  ['their query', 'GET'],
]

describe('langfuseSpanProcessor() in an SDK of the app', () => {
  it("takes what Langfuse shows of its spans into the request's trace, with its user, and changes none of them", async () => {
    startTheirs()
    const { recorder, warnings } = record({})
    await request()
    const [ours, ...others] = await recorder.traces()
    expect(others).toEqual([])
    expect(tree(ours!)).toEqual(OURS)
    expect(new Set(ours!.observations.map(({ userId }) => userId))).toEqual(new Set(['ada']))
    expect(theirTree()).toEqual(THEIRS)
    for (const { attributes } of theirs.getFinishedSpans()) expect(attributes).not.toHaveProperty('user.id')
    expect(warnings).toEqual([])
  })

  it('may be made, and its SDK started, before tracing or after', async () => {
    const { recorder } = record({})
    startTheirs()
    await request()
    expect((await recorder.traces()).map(tree)).toEqual([OURS])
  })

  it('decides on them with the request: all of it or nothing', async () => {
    startTheirs()
    const { recorder } = record({ sampling: { rate: 0, keepErrors: true } })
    await request()
    expect(await recorder.traces()).toEqual([])
    await traceJob('failing', () =>
      inSpan('ai.embed', async () => Promise.reject(new Error('no embedding'))),
    ).catch(() => {})
    expect((await recorder.traces()).map(tree)).toEqual([
      [
        ['ai.embed', 'failing'],
        ['failing', undefined],
      ],
    ])
  })

  it('takes those outside of requests as traces of their own, at the rate of traces', async () => {
    startTheirs()
    const { recorder } = record({})
    await inSpan('ai.generateText', () => inSpan('ai.doGenerate', async () => {}))
    expect((await recorder.traces()).map(tree)).toEqual([
      [
        ['ai.doGenerate', 'ai.generateText'],
        ['ai.generateText', undefined],
      ],
    ])
    await recorder.close()
    const { recorder: silent } = record({ sampling: { rate: 0 } })
    await inSpan('ai.generateText', async () => {})
    expect(await silent.traces()).toEqual([])
  })

  it('takes nothing under a request that is not traced', async () => {
    startTheirs()
    const { recorder } = record({ sampling: { rate: 0, keepErrors: false } })
    await request()
    expect(await recorder.traces()).toEqual([])
    expect(recorder.tracing.stats().requests.skipped).toBe(1)
  })
})

describe('an own provider', () => {
  it('becomes the global one with the first observation, so that spans of any library join the trace', async () => {
    const { recorder } = record({})
    await traceJob('ours', () => inSpan('ai.generateText', async () => {}))
    expect((await recorder.traces()).map(tree)).toEqual([
      [
        ['ai.generateText', 'ours'],
        ['ours', undefined],
      ],
    ])
  })

  it('takes what libraries make before the first observation, with tracers that they got before tracing started or after', async () => {
    const early = trace.getTracer('ai')
    const { recorder } = record({})
    const late = trace.getTracer('ai')
    late.startActiveSpan('ai.generateText', span => {
      early.startSpan('ai.doGenerate').end()
      span.end()
    })
    expect((await recorder.traces()).map(tree)).toEqual([
      [
        ['ai.doGenerate', 'ai.generateText'],
        ['ai.generateText', undefined],
      ],
    ])
  })

  it('leaves tracers that libraries have by then to a provider that is registered before their first span', async () => {
    const { recorder } = record({})
    const early = trace.getTracer('theirs')
    startTheirs({ handsOn: false })
    early.startSpan('query').end()
    await traceJob('ours', () => early.startSpan('query').end())
    expect(theirTree()).toEqual([
      ['query', undefined],
      ['query', undefined],
    ])
    expect((await recorder.traces()).map(tree)).toEqual([[['ours', undefined]]])
  })

  it('takes the spans of libraries in also under an HTTP span that it made itself', async () => {
    const { recorder } = record({ provider: 'global' })
    await inSpan('GET', () => traceJob('ours', () => inSpan('ai.generateText', async () => {})))
    expect((await recorder.traces()).map(tree)).toEqual([
      [
        ['ai.generateText', 'ours'],
        ['ours', undefined],
      ],
    ])
  })

  it('is the global one from the start where that is asked for', () => {
    record({ provider: 'global' })
    expect(trace.getTracer('any').startSpan('any').isRecording()).toBe(true)
  })

  it('warns where another is, and stays apart', async () => {
    startTheirs({ handsOn: false })
    const { recorder, warnings } = record({ provider: 'global' })
    expect(warnings).toEqual([expect.stringMatching(/provider: 'global' has no effect.*another tracer/s)])
    await request()
    expect((await recorder.traces()).map(tree)).toEqual([
      [
        ['ours', undefined],
        ['retrieve', 'ours'],
        ['step', 'retrieve'],
      ],
    ])
    expect(theirTree()).toEqual(THEIRS)
  })

  it('never becomes the global one where it is to be apart', async () => {
    record({ provider: 'own' })
    await traceJob('ours', () => {})
    expect(trace.getTracer('any').startSpan('any', {}, ROOT_CONTEXT).isRecording()).toBe(false)
  })

  it('writes user and session of runWithContext to observations of ours alone, in a span of theirs', async () => {
    startTheirs({ handsOn: false })
    const { recorder } = record({})
    await inSpan('GET', () =>
      traceJob('ours', () =>
        runWithContext({ userId: 'bob' }, () => inSpan('query', async () => startObservation('step').end())),
      ),
    )
    const [ours] = await recorder.traces()
    expect(ours!.observations.map(({ name, parentId, userId }) => [name, parentId, userId])).toEqual([
      ['step', ours!.root!.id, 'bob'],
      ['ours', undefined, undefined],
    ])
    expect(theirTree()).toEqual([
      ['GET', undefined],
      ['query', 'GET'],
    ])
    for (const { attributes } of theirs.getFinishedSpans()) expect(attributes).toEqual({})
  })

  it('makes a trace of its own of an observation outside of a request, in a span of theirs', async () => {
    startTheirs({ handsOn: false })
    const { recorder } = record({})
    await inSpan('GET', () =>
      startActiveObservation('job', () =>
        startActiveObservation('step', async () => inSpan('query', async () => {})),
      ),
    )
    expect((await recorder.traces()).map(tree)).toEqual([
      [
        ['job', undefined],
        ['step', 'job'],
      ],
    ])
    expect(theirTree()).toEqual([
      ['GET', undefined],
      ['query', 'GET'],
    ])
  })
})
