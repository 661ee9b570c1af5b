import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'

describe.each(['on-express.ts', 'on-fastify.ts'])('a NestJS app %s', script => {
  let inspector: Inspector
  let app: Awaited<ReturnType<typeof startApp>>

  const start = (env: NodeJS.ProcessEnv) =>
    startApp('nestjs', {
      script,
      nodeOptions: ['-r', 'esbuild-register'],
      port: 0,
      env: { PATH: process.env.PATH, LANGFUSE_BASE_URL: inspector.url, ...env },
    })

  beforeAll(async () => {
    inspector = await startInspector({ port: 0, settleMs: 50 })
    app = await start({ LANGFUSE_FLUSH_INTERVAL: '0.05' })
  })
  beforeEach(() => inspector.clear())
  afterAll(async () => {
    await app?.stop()
    await inspector?.close()
  })

  const get = (path: string, token = 'token-of-ada', { url } = app) =>
    fetch(url + path, { headers: { authorization: `Bearer ${token}` } })

  it('names the trace by its route, with the user the guard has found and what the service observed', async () => {
    const response = await get('/answers/tea')
    expect(await response.json()).toEqual({ answer: 'Three minutes, at eighty degrees.' })
    const trace = await inspector.waitForTrace('GET /answers/:topic')
    expect(trace).toMatchObject({
      id: response.headers.get('x-langfuse-trace-id'),
      level: 'DEFAULT',
      statusCode: 200,
    })
    expect(trace.observations).toMatchObject([
      { name: 'GET /answers/:topic', userId: 'ada', metadata: { route: '/answers/:topic' } },
      { name: 'answer', type: 'generation', parentId: trace.root!.id, userId: 'ada', input: 'tea' },
    ])
  })

  it('keeps requests apart that are served at once', async () => {
    const topics = ['tea', 'cups', 'tea', 'nothing']
    await Promise.all(topics.map(topic => get(`/answers/${topic}`)))
    const inputs = []
    while (inputs.length < topics.length) {
      const seen = new Set(inputs.map(({ id }) => id))
      const { id, observations } = await inspector.waitForTrace(trace => !seen.has(trace.id))
      expect(observations).toHaveLength(2)
      inputs.push({ id, input: observations[1]!.input })
    }
    expect(inputs.map(({ input }) => input).sort()).toEqual([...topics].sort())
  })

  it.each([
    { path: '/answers/tea', token: 'no-token', status: 401, message: 'UnauthorizedException: Unauthorized' },
    { path: '/answers/nothing', status: 404, message: 'NotFoundException: Nothing is known about nothing.' },
  ])('warns of $status, thrown as an exception, and says which', async ({ path, token, status, message }) => {
    expect((await get(path, token)).status).toBe(status)
    const trace = await inspector.waitForTrace('GET /answers/:topic')
    expect(trace.statusCode).toBe(status)
    expect(trace.root).toMatchObject({ level: 'WARNING', statusMessage: message })
  })

  it('records the error that Nest has turned into a 500, on the observation and on the request', async () => {
    const response = await get('/answers/everything')
    expect([response.status, await response.json()]).toEqual([
      500,
      { statusCode: 500, message: 'Internal server error' },
    ])
    const trace = await inspector.waitForTrace('GET /answers/:topic')
    expect(trace.statusCode).toBe(500)
    expect(trace.observations.map(({ level, userId }) => [level, userId])).toEqual([
      ['ERROR', 'ada'],
      ['ERROR', 'ada'],
    ])
    expect(trace.root!.statusMessage).toBe('TypeError: The model has lost its mind.')
  })

  it('names no route where none was taken, and traces no health check', async () => {
    expect((await get('/health')).status).toBe(200)
    expect((await get('/nowhere')).status).toBe(404)
    const trace = await inspector.waitForTrace('GET')
    expect(trace).toMatchObject({ level: 'WARNING', statusCode: 404 })
    expect(inspector.traces()).toHaveLength(1)
  })

  it('sends what it has when it is told to end', async () => {
    const waiting = await start({ LANGFUSE_FLUSH_INTERVAL: '60', LANGFUSE_FLUSH_AT: '100' })
    await get('/answers/tea', 'token-of-ada', waiting)
    expect(inspector.traces()).toEqual([])
    await waiting.stop()
    expect(inspector.traces()).toMatchObject([{ name: 'GET /answers/:topic', userId: 'ada' }])
  })
})
