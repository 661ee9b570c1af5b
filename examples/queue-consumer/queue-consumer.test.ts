import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'

describe('the queue consumer', () => {
  let inspector: Inspector
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    inspector = await startInspector({ port: 0, settleMs: 50 })
    app = await startApp('queue-consumer', {
      port: 0,
      env: { PATH: process.env.PATH, LANGFUSE_BASE_URL: inspector.url, LANGFUSE_FLUSH_INTERVAL: '0.05' },
    })
  })
  beforeEach(() => inspector.clear())
  afterAll(async () => {
    await app?.stop()
    await inspector?.close()
  })

  const order = async (topic: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${app.url}/reports`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ topic }),
    })
    expect(response.status).toBe(202)
    return (await response.json()) as { traceId: string }
  }

  it('continues the trace of the request that sent the message, of its user and session', async () => {
    const { traceId } = await order('tea', { 'x-user-id': 'ada', 'x-session-id': 's-1' })
    const trace = await inspector.waitForTrace(({ observations }) => observations.length === 3)
    expect(trace).toMatchObject({ id: traceId, name: 'POST /reports' })
    const [request, job, outline] = trace.observations
    expect(job).toMatchObject({ name: 'write-report', parentId: request!.id, input: 'tea' })
    expect(outline).toMatchObject({ name: 'outline', parentId: job!.id })
    for (const observation of trace.observations) {
      expect(observation).toMatchObject({ userId: 'ada', sessionId: 's-1' })
    }
  })

  it('puts the error of a message on its own trace, and goes on with the next', async () => {
    const [failing, next] = await Promise.all([order('nothing'), order('cups')])
    const failed = await inspector.waitForTrace(
      ({ id, observations }) => id === failing.traceId && observations.length === 3,
    )
    expect(failed.observations.map(({ name, level }) => [name, level])).toEqual([
      ['POST /reports', 'DEFAULT'],
      ['write-report', 'ERROR'],
      ['outline', 'DEFAULT'],
    ])
    expect(failed.observations[1]!.statusMessage).toBe('Error: There is nothing to report.')
    const fine = await inspector.waitForTrace(
      ({ id, observations }) => id === next.traceId && observations.length === 3,
    )
    expect(fine.level).toBe('DEFAULT')
  })
})
