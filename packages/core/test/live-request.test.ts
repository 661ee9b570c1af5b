import type { EventEmitter } from 'node:events'
import {
  type ClientRequest,
  createServer,
  get,
  IncomingMessage,
  type Server,
  ServerResponse,
} from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { startObservation } from '@langfuse/tracing'
import {
  currentRequest,
  extractTraceContext,
  getRequestContext,
  injectTraceHeaders,
  runWithContext,
  safeTrace,
  type TracingOptions,
  traceJob,
} from '@langfuse-middleware/core'
import { createRequestTracer, type TracedRequest } from '@langfuse-middleware/core/adapter'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'

let recorder: Recorder
afterEach(() => recorder?.close())

const request = () => ({ method: 'GET', url: '/', headers: {} })
const OK = { end: 'completed', statusCode: 200 } as const

function start(options: TracingOptions = {}): TracedRequest {
  recorder = recordTraces(options)
  return createRequestTracer().start(request())
}

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

/** A request of a real client that waits for its answer. */
async function openRequest(route?: false) {
  const tracer = createRequestTracer()
  return new Promise<{ traced: TracedRequest; response: ServerResponse; leave: () => void }>(resolve => {
    const listening = createServer((message, response) => {
      const traced = tracer.start(message, route)
      traced.endWith(response, () => undefined)
      resolve({ traced, response, leave: () => client.destroy() })
    })
    let client: ClientRequest
    server = listening.listen(0, '127.0.0.1', () => {
      client = get({ port: (listening.address() as AddressInfo).port, host: '127.0.0.1' })
      client.on('error', () => {})
    })
  })
}

describe('request.langfuse', () => {
  it('has no method by which a handler could end or fail the trace', () => {
    const { trace } = start()
    for (const method of ['end', 'endWith', 'fail', 'sends', 'bindEmitter', 'enter']) {
      expect(method in trace).toBe(false)
    }
  })

  it.each([true, false])('runs and binds functions in the context of the request (traced: %s)', enabled => {
    const { trace } = start({ enabled })
    const bound = trace.bind(function (this: unknown, one: number, two: number) {
      return [this, one + two, currentRequest() === trace]
    })
    expect(currentRequest()).toBeUndefined()
    expect(trace.run(() => currentRequest() === trace)).toBe(true)
    const self = {}
    expect(bound.call(self, 1, 2)).toEqual([self, 3, true])
  })

  it('keeps its sampling if configure() is given one that is wrong', async () => {
    const traced = start()
    traced.trace.configure({ sampling: { rate: 2 } })
    traced.end(OK)
    expect(await recorder.traces()).toHaveLength(1)
    expect(recorder.tracing.stats().warnings['configure failed']).toBe(1)
  })

  it('takes the sampling of configure() also if the global one keeps nothing', async () => {
    const traced = start({ sampling: { rate: 0, keepErrors: false } })
    traced.trace.configure({ sampling: { rate: 1 } })
    traced.end(OK)
    expect(await recorder.traces()).toHaveLength(1)
  })
})

describe('the signal', () => {
  const kinds: [string, TracingOptions, false | undefined][] = [
    ['traced', {}, undefined],
    ['sampled out', { sampling: { rate: 0, keepErrors: false } }, undefined],
    ['opted out', {}, false],
    ['disabled', { enabled: false }, undefined],
  ]

  it.each(kinds)('aborts when the client leaves (%s)', async (_kind, options, route) => {
    recorder = recordTraces(options)
    const { traced, leave } = await openRequest(route)
    const { signal } = traced.trace
    expect(signal.aborted).toBe(false)
    leave()
    if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
    expect(traced.trace.signal.aborted).toBe(true)
  })

  it.each(kinds)('does not abort if the route says so (%s)', async (_kind, options, route) => {
    recorder = recordTraces(options)
    const { traced, response, leave } = await openRequest(route)
    traced.trace.configure({ abortOnDisconnect: false })
    const { signal } = traced.trace
    leave()
    await new Promise(resolve => response.on('close', resolve))
    expect(signal.aborted).toBe(false)
  })

  it('does not abort when tracing shuts down, but still when the client leaves then', async () => {
    recorder = recordTraces()
    const { traced, leave } = await openRequest()
    const { signal } = traced.trace
    await recorder.tracing.shutdown()
    expect(signal.aborted).toBe(false)
    leave()
    if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
  })
})

describe('waitUntil', () => {
  it('is waited for by a shutdown', async () => {
    const traced = start()
    const work = async () => {
      await new Promise(resolve => setTimeout(resolve, 30))
      safeTrace('after the response', () => {})
    }
    traced.run(() => traced.trace.waitUntil(work()))
    traced.end(OK)
    await recorder.tracing.shutdown()
    const [trace] = await recorder.traces()
    expect(trace?.observations.map(({ name }) => name).sort()).toEqual(['GET', 'after the response'])
  })

  it('keeps a shutdown no longer than its deadline', async () => {
    const traced = start()
    traced.trace.waitUntil(new Promise(() => {}))
    traced.end(OK)
    await recorder.tracing.shutdown({ timeoutMs: 50 })
    expect(await recorder.traces()).toHaveLength(1)
  })

  it('takes each promise once, whatever it does', async () => {
    const traced = start()
    let resolve!: () => void
    const promise = new Promise<void>(done => {
      resolve = done
    })
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library may call back twice
    const twice = { then: (done: () => void) => [done(), done()] } as unknown as Promise<void>
    traced.trace.waitUntil(twice)
    traced.trace.waitUntil(promise)
    traced.end(OK)
    await new Promise(done => setImmediate(done))
    expect(await recorder.traces()).toEqual([])
    resolve()
    await promise
    expect(await recorder.traces()).toHaveLength(1)
  })
})

describe('safeTrace', () => {
  it('returns the very promise, with the methods of its class, and leaves a handled rejection handled', async () => {
    recorder = recordTraces()
    class ApiPromise<T> extends Promise<T> {
      withResponse = () => 'response'
    }
    const rejections: unknown[] = []
    const rejected = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', rejected)
    const own = new ApiPromise<string>(resolve => resolve('answer'))
    const returned = safeTrace('call', () => own)
    expect(returned).toBe(own)
    expect(returned.withResponse()).toBe('response')
    const failing = Promise.reject(new Error('no'))
    failing.catch(() => {})
    expect(safeTrace('failing', () => failing)).toBe(failing)
    await own
    await new Promise(resolve => setTimeout(resolve, 5))
    process.off('unhandledRejection', rejected)
    expect(rejections).toEqual([])
    const traces = await recorder.traces()
    expect(traces.map(({ root }) => [root?.name, root?.level, root?.statusMessage]).sort()).toEqual([
      ['call', 'DEFAULT', undefined],
      ['failing', 'ERROR', 'Error: no'],
    ])
  })
})

it('objects made of a request or response by Object.create work as before', () => {
  const traced = start()
  const message = new IncomingMessage(new Socket())
  const response = new ServerResponse(message)
  traced.endWith(response, () => undefined)
  traced.bindEmitter(message)
  traced.bindEmitter(response)
  const heard: unknown[] = []
  message.on('custom', value => heard.push(value))
  ;(Object.create(message) as EventEmitter).emit('custom', 1)
  ;(Object.create(Object.create(message)) as EventEmitter).emit('custom', 2)
  expect(heard).toEqual([1, 2])
  expect(() => Object.create(response).writeHead(204)).not.toThrow()
})

describe('runWithContext', () => {
  it('within a request sets ids of what is under it, and not those of the root', async () => {
    const traced = start()
    let sent: Record<string, unknown> = {}
    traced.run(() => {
      traced.trace.setUser('ada')
      runWithContext({ userId: 'bob' }, () => {
        startObservation('step').end()
        sent = injectTraceHeaders({})
      })
    })
    traced.end(OK)
    const [trace] = await recorder.traces()
    expect(trace?.observations.map(({ name, userId }) => [name, userId]).sort()).toEqual([
      ['GET', 'ada'],
      ['step', 'bob'],
    ])
    expect(sent.baggage).toContain('langfuse_user_id=bob')
  })

  it('around a job sets those of its root', async () => {
    recorder = recordTraces()
    await runWithContext({ userId: 'bob', sessionId: 's1' }, () =>
      traceJob('job', () => {
        startObservation('step').end()
        expect(getRequestContext()).toMatchObject({ userId: 'bob', sessionId: 's1' })
      }),
    )
    const [trace] = await recorder.traces()
    expect(trace?.observations.map(({ userId, sessionId }) => [userId, sessionId])).toEqual([
      ['bob', 's1'],
      ['bob', 's1'],
    ])
  })
})

describe('trace headers', () => {
  it('are not sent from a trace that is skipped, or whose route has turned itself off', () => {
    const skipped = start()
    skipped.trace.skip()
    expect(skipped.run(() => injectTraceHeaders({}))).toEqual({})
    const off = createRequestTracer().start(request(), { sampling: { rate: 0 } })
    expect(off.run(() => injectTraceHeaders({}))).toEqual({})
  })

  it('keep the baggage of the app, in headers of any kind', () => {
    const traced = start()
    const inject = <T extends object>(headers: T): T => traced.run(() => injectTraceHeaders(headers as never))
    const plain = inject(inject({ baggage: 'tenant=1' }))
    expect(plain.baggage).toMatch(/^tenant=1,langfuse_trace_id=[0-9a-f]{32}$/)
    expect(inject({ Baggage: 'tenant=1' })).toEqual({
      ...inject({}),
      baggage: undefined,
      Baggage: expect.stringMatching(/^tenant=1,langfuse_trace_id=/),
    })
    expect(inject(new Headers({ baggage: 'tenant=1' })).get('baggage')).toMatch(/^tenant=1,langfuse_/)
    expect(inject(new Map([['baggage', 'tenant=1']])).get('baggage')).toMatch(/^tenant=1,langfuse_/)
  })

  it('that a message lacks are no trace, and of a stranger are only linked by a job', async () => {
    recorder = recordTraces()
    expect(extractTraceContext(undefined)).toBeUndefined()
    const stranger = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const from = extractTraceContext(new Map([['traceparent', stranger]]))
    await traceJob('job', () => {}, { from })
    const [trace] = await recorder.traces()
    expect(trace?.id).not.toBe('a'.repeat(32))
    expect(trace?.root?.metadata.callerTraceId).toBe('a'.repeat(32))
  })
})

it('an error that was reported and answered with less than 400 is an ERROR, and kept at rate 0', async () => {
  const traced = start({ sampling: { rate: 0 } })
  traced.fail(new Error('lost, but answered'))
  traced.end(OK)
  const [trace] = await recorder.traces()
  expect(trace?.root).toMatchObject({ level: 'ERROR', statusMessage: 'Error: lost, but answered' })
})

describe('an observation that begins after the response', () => {
  it('is closed and counted by a shutdown', async () => {
    const traced = start()
    traced.end(OK)
    traced.run(() => startObservation('forgotten'))
    expect(recorder.tracing.stats().buffer?.open).toBe(1)
    await recorder.tracing.shutdown()
    expect(recorder.tracing.stats().buffer).toMatchObject({ open: 0, unfinished: 1 })
    const [trace] = await recorder.traces()
    expect(trace?.observations.map(({ name }) => name).sort()).toEqual(['GET', 'forgotten'])
  })

  it('is one of at most maxSpansPerTrace that are open', async () => {
    const traced = start({ buffer: { maxSpansPerTrace: 10 } })
    traced.run(() => {
      for (let index = 0; index < 50; index += 1) startObservation(`open ${index}`)
    })
    expect(recorder.tracing.stats().buffer?.unfinished).toBe(40)
    traced.end(OK)
  })
})

it('the status is the one that was sent, not the one that an error handler sets after the head', async () => {
  recorder = recordTraces()
  const { response, traced } = await openRequest()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: 1\n\n')
  traced.fail(new Error('the stream broke'))
  response.statusCode = 500
  expect(() => response.writeHead(500)).toThrow()
  response.destroy()
  const trace = await recorder.waitFor(one => one.root !== undefined)
  expect(trace.root?.metadata).toMatchObject({ statusCode: 200, end: 'stream_error' })
})
