import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'

type App = Awaited<ReturnType<typeof startApp>>

describe('two services', () => {
  let inspector: Inspector
  let advisor: App
  let shop: App

  beforeAll(async () => {
    inspector = await startInspector({ port: 0, settleMs: 50 })
    const env = {
      PATH: process.env.PATH,
      LANGFUSE_BASE_URL: inspector.url,
      LANGFUSE_FLUSH_INTERVAL: '0.05',
    }
    advisor = await startApp('two-services', { script: 'advisor.mjs', port: 0, env })
    shop = await startApp('two-services', {
      script: 'shop.mjs',
      port: 0,
      env: { ...env, ADVISOR_URL: advisor.url },
    })
  })
  beforeEach(() => inspector.clear())
  afterAll(async () => {
    await Promise.all([shop?.stop(), advisor?.stop()])
    await inspector?.close()
  })

  it('are one trace, which the response names, of one user and session', async () => {
    const response = await fetch(`${shop.url}/gifts/wedding`, {
      headers: { 'x-user-id': 'ada', 'x-session-id': 's-1' },
    })
    expect(await response.json()).toEqual({ gift: 'a teapot' })
    const trace = await inspector.waitForTrace(({ observations }) => observations.length === 3)
    expect(response.headers.get('x-langfuse-trace-id')).toBe(trace.id)
    expect(trace.name).toBe('GET /gifts/:occasion')
    const [root, called, generation] = trace.observations
    expect(root).toMatchObject({ name: 'GET /gifts/:occasion', resource: { 'service.name': 'shop' } })
    expect(called).toMatchObject({
      name: 'GET /advice/:occasion',
      parentId: root!.id,
      resource: { 'service.name': 'advisor' },
    })
    expect(generation).toMatchObject({ name: 'choose', parentId: called!.id, type: 'generation' })
    for (const observation of trace.observations) {
      expect(observation).toMatchObject({ userId: 'ada', sessionId: 's-1', orphan: false })
    }
  })

  it('are not joined to the trace of a stranger who calls the shop', async () => {
    const theirs = 'a'.repeat(32)
    const response = await fetch(`${shop.url}/gifts/birthday`, {
      headers: {
        traceparent: `00-${theirs}-${'b'.repeat(16)}-01`,
        baggage: `langfuse_trace_id=${theirs},langfuse_user_id=victim`,
      },
    })
    expect(await response.json()).toEqual({ gift: 'a cup' })
    const trace = await inspector.waitForTrace(({ observations }) => observations.length === 3)
    expect(trace.id).not.toBe(theirs)
    expect(trace.metadata.callerTraceId).toBe(theirs)
    expect(trace.observations.map(({ userId }) => userId)).toEqual([undefined, undefined, undefined])
  })

  it('leave the trace of the shop when the advisor cannot be reached', async () => {
    await advisor.stop()
    expect((await fetch(`${shop.url}/gifts/wedding`)).status).toBe(500)
    const trace = await inspector.waitForTrace('GET /gifts/:occasion')
    expect(trace).toMatchObject({ level: 'ERROR', observations: [{ name: 'GET /gifts/:occasion' }] })
  })
})
