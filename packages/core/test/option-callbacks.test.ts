import { traceJob } from '@langfuse-middleware/core'
import {
  createRequestTracer,
  type MiddlewareOptions,
  type RequestLike,
} from '@langfuse-middleware/core/adapter'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'

let recorder: Recorder
const warnings: string[] = []
const rejections: unknown[] = []
const rejected = (reason: unknown) => rejections.push(reason)

beforeAll(() => void process.on('unhandledRejection', rejected))
afterAll(() => void process.off('unhandledRejection', rejected))
beforeEach(() => {
  warnings.length = 0
  rejections.length = 0
})
afterEach(() => recorder.close())

function record(options: Parameters<typeof recordTraces>[0] = {}): void {
  const warn = (line: string) => void warnings.push(line)
  recorder = recordTraces({ ...options, logger: { info() {}, warn, error: warn } })
}

const turns = () => new Promise(resolve => setTimeout(resolve, 5))

const callbacks = {
  throws: () => {
    throw new Error('no')
  },
  rejects: async () => Promise.reject(new Error('no')),
  'returns a promise': async () => true,
  'returns null': () => null,
  'returns what it must not': () => Symbol('odd'),
}
const ways = Object.keys(callbacks) as (keyof typeof callbacks)[]
const options = ['tags', 'metadata', 'level', 'trust'] as const

describe.each(options)('the option %s', option => {
  it.each(ways)('that %s leaves the request traced, warns once and counts', async way => {
    record()
    const calls = { [option]: callbacks[way] } as unknown as MiddlewareOptions
    const caller = 'a'.repeat(32)
    const request: RequestLike = {
      method: 'GET',
      url: '/',
      headers: { traceparent: `00-${caller}-${'b'.repeat(16)}-01`, baggage: `langfuse_trace_id=${caller}` },
    }
    for (let index = 0; index < 2; index += 1) {
      const traced = createRequestTracer(calls).start({ ...request })
      expect(traced.trace.traceId).not.toBe(caller)
      traced.end({ end: 'completed', statusCode: 503 })
    }
    await turns()
    const traces = await recorder.traces()
    expect(traces.map(({ root }) => [root?.name, root?.level])).toEqual([
      ['GET', 'ERROR'],
      ['GET', 'ERROR'],
    ])
    expect(warnings).toEqual([expect.stringContaining(`the option ${option} `)])
    expect(recorder.tracing.stats().warnings[`${option} failed`]).toBeGreaterThanOrEqual(2)
    expect(rejections).toEqual([])
  })
})

describe.each(['userId', 'sessionId', 'requestId'] as const)('the option identity.%s', option => {
  it.each(['throws', 'rejects', 'returns a promise'] as const)('that %s leaves the value out', async way => {
    record()
    const identity = { [option]: callbacks[way] }
    const traced = createRequestTracer({ identity }).start({ method: 'GET', url: '/', headers: {} })
    traced.end({ end: 'completed', statusCode: 200 })
    await turns()
    const [trace] = await recorder.traces()
    expect(trace?.root?.userId).toBeUndefined()
    expect(trace?.root?.sessionId).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining(`the option identity.${option} `)])
    expect(rejections).toEqual([])
  })
})

describe('the option ignore', () => {
  it.each(ways)('that %s leaves the request untraced, warns once and counts', async way => {
    record()
    const ignore = callbacks[way] as unknown as () => boolean
    for (let index = 0; index < 2; index += 1) {
      const traced = createRequestTracer({ ignore }).start({ method: 'GET', url: '/', headers: {} })
      traced.end({ end: 'completed', statusCode: 200 })
    }
    await turns()
    expect(await recorder.traces()).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('the option ignore ')])
    expect(recorder.tracing.stats().warnings['ignore failed']).toBe(2)
    expect(rejections).toEqual([])
  })
})

describe('sampling.keep', () => {
  it.each(ways)('that %s keeps the trace', async way => {
    record({ sampling: { rate: 0, keep: callbacks[way] as never } })
    await traceJob('job', () => {})
    await turns()
    expect(await recorder.traces()).toHaveLength(1)
    expect(warnings).toEqual([expect.stringContaining('the option sampling.keep ')])
    expect(rejections).toEqual([])
  })
})

it('tags and metadata are read again at the end, when authentication has happened', async () => {
  record()
  const request = { method: 'GET', url: '/', headers: {}, user: undefined as string | undefined }
  const of = (asked: RequestLike) => (asked as typeof request).user
  const traced = createRequestTracer({
    tags: asked => (of(asked) === undefined ? [] : [`plan:${of(asked)}`]),
    metadata: asked => ({ plan: of(asked) ?? 'none' }),
  }).start(request)
  request.user = 'pro'
  traced.end({ end: 'completed', statusCode: 200 })
  const [trace] = await recorder.traces()
  expect(trace?.root?.metadata.plan).toBe('pro')
  expect(trace?.root?.attributes['langfuse.trace.tags']).toEqual(['plan:pro'])
})

it('a callback that fails in the timer that decides old requests does not end the process', async () => {
  record({ sampling: { rate: 0.5 }, buffer: { maxAgeMs: 1 } })
  const tracer = createRequestTracer({ tags: () => null as never })
  const traced = Array.from({ length: 8 }, () => tracer.start({ method: 'GET', url: '/', headers: {} }))
  const decided = () => recorder.tracing.stats().buffer?.decidedEarly.age === 8
  while (!decided()) await turns()
  for (const one of traced) one.end({ end: 'completed', statusCode: 200 })
  expect(recorder.tracing.stats().requests.open).toBe(0)
})
