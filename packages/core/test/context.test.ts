import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import {
  currentRequest,
  getRequestContext,
  runWithContext,
  safeTrace,
  traceJob,
} from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'

let recorder: Recorder

beforeEach(() => {
  recorder = recordTraces()
})

afterEach(() => recorder.close())

describe('runWithContext', () => {
  it('gives user and session to what is observed in it, outside of any request', async () => {
    await runWithContext({ userId: 'ada', sessionId: 's-1' }, async () => {
      await Promise.resolve()
      expect(getRequestContext()).toEqual({
        requestId: undefined,
        traceId: undefined,
        userId: 'ada',
        sessionId: 's-1',
      })
      safeTrace('inside', () => {})
    })
    safeTrace('outside', () => {})
    const observations = (await recorder.traces()).flatMap(trace => trace.observations)
    expect(observations.map(({ name, userId, sessionId }) => [name, userId, sessionId])).toEqual([
      ['inside', 'ada', 's-1'],
      ['outside', undefined, undefined],
    ])
  })

  it('overlays a request for what is observed in it, and only that', async () => {
    await traceJob('job', () => {
      currentRequest()?.setUser('owner')
      runWithContext({ userId: 'delegate' }, () => {
        expect(getRequestContext()?.userId).toBe('delegate')
        expect(currentRequest()?.userId).toBe('owner')
        safeTrace('for the delegate', () => {})
      })
      safeTrace('for the owner', () => {})
    })
    const [trace] = await recorder.traces()
    expect(trace?.observations.find(one => one.name === 'for the delegate')?.userId).toBe('delegate')
    expect(trace?.observations.find(one => one.name === 'for the owner')?.userId).toBe('owner')
  })
})

it('is undefined outside of requests', () => {
  expect(getRequestContext()).toBeUndefined()
  expect(currentRequest()).toBeUndefined()
})

describe('waitUntil', () => {
  it('keeps the trace open for work after the end, and the root as long as it was', async () => {
    let finish = () => {}
    const work = new Promise<void>(resolve => {
      finish = resolve
    })
    await traceJob('job', () => {
      void currentRequest()?.waitUntil(
        work.then(() => {
          safeTrace('afterwards', () => {})
          currentRequest()?.setUser('late')
        }),
      )
    })
    expect(await recorder.traces()).toEqual([])
    await new Promise(resolve => setTimeout(resolve, 30))
    finish()
    const trace = await recorder.waitFor(one => one.observations.length === 2)
    expect(trace.observations.map(one => one.userId)).toEqual(['late', 'late'])
    expect(trace.root?.durationMs).toBeLessThan(30)
  })

  it('waits no longer than it may', async () => {
    await recorder.close()
    recorder = recordTraces({ waitUntilTimeoutMs: 10 })
    await traceJob('job', () => {
      void currentRequest()?.waitUntil(new Promise(() => {}))
    })
    expect(await recorder.waitFor(trace => trace.root?.name === 'job')).toBeDefined()
  })

  it('leaves a rejection to the app', async () => {
    await traceJob('job', async () => {
      const rejected = currentRequest()?.waitUntil(Promise.reject(new Error('mine')))
      await expect(rejected).rejects.toThrow('mine')
    })
    expect(await recorder.waitFor(trace => trace.root?.name === 'job')).toBeDefined()
  })
})

it('sends the trace along with outgoing requests made in a request, by any client imported at any time', () => {
  const output = execFileSync(process.execPath, [join(__dirname, 'fixtures/outgoing.mjs')], {
    encoding: 'utf8',
  })
  const results = JSON.parse(output) as {
    client: string
    traceId: string
    inside: Record<string, string>
    outside: Record<string, string>
  }[]
  expect(results.map(result => result.client)).toEqual([
    'fetch',
    'import { get }',
    'import http',
    'require(http)',
  ])
  for (const { client, traceId, inside, outside } of results) {
    expect([client, inside.traceparent]).toEqual([client, expect.stringContaining(`00-${traceId}-`)])
    // The name of the job is that of the client.
    const name = encodeURIComponent(client)
    expect(inside.baggage).toBe(`langfuse_trace_id=${traceId},langfuse_trace_name=${name}`)
    expect([client, outside.traceparent]).toEqual([client, undefined])
  }
})
