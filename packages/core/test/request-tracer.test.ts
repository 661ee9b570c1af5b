import { safeTrace, type TracingOptions } from '@langfuse-middleware/core'
import { createRequestTracer, type Outcome, type RouteOptions } from '@langfuse-middleware/core/adapter'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'

let recorder: Recorder

afterEach(() => recorder.close())

/** One request that observes something and ends so, and what became of it. */
async function outcome(options: TracingOptions, outcome: Outcome, route?: RouteOptions): Promise<string[]> {
  recorder = recordTraces(options)
  const trace = createRequestTracer().start({ method: 'GET', url: '/', headers: {} }, route)
  trace.run(() => safeTrace('child', () => {}))
  trace.end(outcome)
  return (await recorder.traces()).flatMap(one => one.observations.map(({ name }) => name))
}

const OK: Outcome = { end: 'completed', statusCode: 200 }

it('keeps an aborted request at rate 0 only where asked to', async () => {
  const aborted: Outcome = { end: 'client_aborted' }
  expect(await outcome({ sampling: { rate: 0, keepAborted: true } }, aborted)).toEqual(['child', 'GET'])
  await recorder.close()
  expect(await outcome({ sampling: { rate: 0 } }, aborted)).toEqual([])
})

it('keeps a 5xx at rate 0, and not a 4xx', async () => {
  expect(await outcome({ sampling: { rate: 0 } }, { end: 'completed', statusCode: 503 })).toEqual([
    'child',
    'GET',
  ])
  await recorder.close()
  expect(await outcome({ sampling: { rate: 0 } }, { end: 'completed', statusCode: 404 })).toEqual([])
})

it('lets a route keep what the app would not, and drop what it would', async () => {
  expect(await outcome({ sampling: { rate: 0 } }, OK, { sampling: { rate: 1 } })).toEqual(['child', 'GET'])
  await recorder.close()
  expect(await outcome({}, OK, { sampling: { rate: 0 } })).toEqual([])
})

it('decides at the start if the route is known and nothing can keep a trace, and records nothing', async () => {
  const failed: Outcome = { end: 'completed', statusCode: 500 }
  expect(await outcome({ sampling: { rate: 0, keepErrors: false } }, failed, {})).toEqual([])
  expect(recorder.tracing.stats()).toMatchObject({
    requests: { started: 0, skipped: 1 },
    buffer: { kept: 0, dropped: 0 },
  })
})

it('ends once, whatever comes after', async () => {
  recorder = recordTraces()
  const trace = createRequestTracer().start({ method: 'GET', url: '/', headers: {} })
  trace.end({ end: 'client_aborted' })
  trace.end(OK)
  trace.fail(new Error('too late'))
  const [recorded, ...others] = await recorder.traces()
  expect(others).toEqual([])
  expect(recorded?.root).toMatchObject({ level: 'WARNING', statusMessage: 'client aborted' })
  expect(recorder.tracing.stats().requests).toEqual({ started: 1, ended: 1, skipped: 0, open: 0 })
})

it('survives whatever a handler hands it', async () => {
  recorder = recordTraces()
  const traced = createRequestTracer().start({ method: 'GET', url: '/', headers: {} })
  const throws = () => {
    throw new Error('hostile')
  }
  const hostile = Object.defineProperty({ toString: throws }, 'any', { get: throws, enumerable: true })
  const { trace } = traced
  const loose = trace as unknown as Record<string, (...values: unknown[]) => void>
  for (const value of [undefined, null, 1, '', Symbol('s'), hostile, 'x'.repeat(10_000), '\ud800']) {
    for (const method of ['setUser', 'setSession', 'setName', 'setMetadata', 'update', 'addTags']) {
      loose[method]?.call(trace, value)
    }
    traced.fail(value)
    trace.update({ input: value, output: value, metadata: { value } })
  }
  trace.setMetadata(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key${index}`, index])))
  traced.end({ end: 'completed', statusCode: 500 })
  const [recorded] = await recorder.traces()
  expect(recorded?.root).toMatchObject({ level: 'ERROR', output: expect.anything() })
  expect(recorded?.root?.userId).toBe('1')
})
