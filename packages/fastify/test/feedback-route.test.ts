import type { AddressInfo } from 'node:net'
import { getTracing, initTracing } from '@langfuse-middleware/core'
import langfusePlugin, { type FeedbackRouteOptions, feedbackRoute } from '@langfuse-middleware/fastify'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import type { FastifyInstance } from 'fastify'
import { fastifyVersions } from './fastify-versions.ts'

const warn = jest.fn()
const TRACE = '0af7651916cd43dd8448eb211c80319c'
// Each major of the limiter is for one of Fastify.
const limiterOf = (version: string) =>
  version === 'Fastify 5'
    ? jest.requireActual('@fastify/rate-limit')
    : jest.requireActual('@fastify/rate-limit9')
let installed: unknown

jest.mock('@fastify/rate-limit', () => {
  if (installed !== undefined) return installed
  throw Object.assign(new Error("Cannot find module '@fastify/rate-limit'"), { code: 'MODULE_NOT_FOUND' })
})

describe.each(fastifyVersions)('feedbackRoute in %s', (version, fastify) => {
  let langfuse: Inspector
  let app: FastifyInstance

  beforeAll(async () => {
    langfuse = await startInspector({ port: 0, settleMs: 0 })
    initTracing({
      baseUrl: langfuse.url,
      publicKey: 'pk-lf',
      secretKey: 'sk-lf',
      logger: { info() {}, warn, error() {} },
      shutdown: { signals: false },
    })
  })
  beforeEach(() => {
    installed = limiterOf(version)
    warn.mockClear()
    jest.resetModules()
  })
  afterEach(() => app.close())
  afterAll(async () => {
    await getTracing()?.shutdown()
    await langfuse.close()
  })

  async function start(options: Partial<FeedbackRouteOptions> = {}) {
    app = fastify() as FastifyInstance
    await app.register(langfusePlugin)
    app.post('/chat', async () => ({}))
    await app.register(feedbackRoute, { names: ['helpful', 'rating'], prefix: '/api', ...options })
    app.get('/other', async () => 'ok')
    await app.listen({ port: 0, host: '127.0.0.1' })
  }

  const origin = () => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const post = (path: string, body?: string) =>
    fetch(origin() + path, {
      method: 'POST',
      ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    })
  const give = (feedback: unknown) => post('/api/feedback', JSON.stringify(feedback))

  it('shows what a user thinks of an answer with its trace', async () => {
    await start()
    const traceId = (await post('/chat')).headers.get('x-langfuse-trace-id')
    for (const feedback of [
      { traceId, name: 'helpful', value: false },
      { traceId, name: 'rating', value: 4, comment: 'nearly' },
      { traceId, name: 'helpful', value: true },
    ]) {
      const response = await give(feedback)
      expect([response.status, await response.json()]).toEqual([202, { id: `${traceId}-${feedback.name}` }])
    }
    await getTracing()!.flush()
    const trace = await langfuse.waitForTrace(one => one.id === traceId && one.scores.length === 2)
    expect(trace.scores.map(({ name, value }) => [name, value]).sort()).toEqual([
      ['helpful', 1],
      ['rating', 4],
    ])
    expect(langfuse.traces().map(({ name }) => name)).not.toContain('POST /api/feedback')
  })

  it('answers 400 to what is wrong', async () => {
    await start()
    const right = { traceId: TRACE, name: 'helpful', value: 1 }
    for (const feedback of [
      [right],
      null,
      { ...right, traceId: 'x' },
      { ...right, name: 'cost' },
      { ...right, value: {} },
      { ...right, comment: 'x'.repeat(2_001) },
    ]) {
      const response = await give(feedback)
      expect([response.status, await response.json()]).toEqual([400, { error: expect.any(String) }])
    }
    expect((await post('/api/feedback', `{"__proto__":${JSON.stringify(right)}}`)).status).toBe(400)
    expect((await post('/api/feedback')).status).toBe(400)
    expect(getTracing()!.stats().scores!.unfit).toBe(0)
  })

  it('answers 429 to a client that sends too much, and limits no other route', async () => {
    await start({ rateLimit: { max: 2 } })
    const statuses = []
    for (let count = 0; count < 3; count++) {
      const response = await give({ traceId: TRACE, name: 'helpful', value: true })
      statuses.push(response.status)
      if (count === 2) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await fetch(`${origin()}/other`)).headers.has('x-ratelimit-limit')).toBe(false)
    }
    expect(statuses).toEqual([202, 202, 429])
    expect(warn).not.toHaveBeenCalled()
  })

  it("counts each request once where the app's own limiter is registered", async () => {
    app = fastify() as FastifyInstance
    await app.register(limiterOf(version), { max: 100 })
    await app.register(feedbackRoute, { names: ['helpful'], url: '/judge', rateLimit: { max: 2 } })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const judge = () => post('/judge', JSON.stringify({ traceId: TRACE, name: 'helpful', value: true }))
    expect([(await judge()).status, (await judge()).status, (await judge()).status]).toEqual([202, 202, 429])
  })

  it('says at the start that no limiter is installed, and goes without', async () => {
    installed = undefined
    await start({ rateLimit: { max: 1 } })
    expect(getTracing()!.stats().warnings['feedback limiter']).toBe(1)
    expect(warn.mock.calls).toEqual([[expect.stringContaining('npm install @fastify/rate-limit')]])
    for (let count = 0; count < 3; count++) {
      expect((await give({ traceId: TRACE, name: 'helpful', value: true })).status).toBe(202)
    }
  })

  it('fails to register with a wrong option', async () => {
    app = fastify() as FastifyInstance
    await expect(app.register(feedbackRoute, { names: [] })).rejects.toThrow('names must be a list')
  })
})
