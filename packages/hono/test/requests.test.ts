import { langfuseMiddleware, traceRoute } from '@langfuse-middleware/hono'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { Hono, type MiddlewareHandler } from 'hono'
import { stream } from 'hono/streaming'

describe('a request that no Node.js server serves', () => {
  let recorder: Recorder
  let app: Hono

  beforeAll(() => {
    recorder = recordTraces()
  })
  beforeEach(() => {
    recorder.clear()
    app = new Hono()
    app.use(langfuseMiddleware())
  })
  afterAll(() => recorder.close())

  const root = async () => (await recorder.waitFor(trace => trace.root !== undefined)).root

  it('is traced to the end of its body, and names its trace in the response', async () => {
    app.get('/users/:id', c => c.json({ found: true }))
    const response = await app.request('/users/7?token=secret')
    expect(recorder.tracing.stats().requests.open).toBe(1)
    expect(await response.json()).toEqual({ found: true })
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await root()).toMatchObject({
      name: 'GET /users/:id',
      input: { method: 'GET', path: '/users/7', query: ['token'] },
      metadata: { statusCode: 200, end: 'completed', requestId: response.headers.get('x-request-id') },
      traceId: response.headers.get('x-langfuse-trace-id'),
    })
  })

  it('is traced without a body', async () => {
    app.get('/nothing', c => c.body(null, 204))
    expect((await app.request('/nothing')).status).toBe(204)
    expect(await root()).toMatchObject({
      name: 'GET /nothing',
      metadata: { statusCode: 204, end: 'completed' },
    })
  })

  it('has its streamed answer captured', async () => {
    app.get('/stream', traceRoute({ capture: { responseBody: true } }), c =>
      stream(c, async out => {
        for (const part of ['Hel', 'lo']) await out.write(part)
      }),
    )
    const response = await app.request('/stream')
    expect(await response.text()).toBe('Hello')
    expect((await root())?.metadata.end).toBe('completed')
  })

  it('ends when its body is cancelled', async () => {
    app.get('/endless', c =>
      c.body(new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array(9)) })),
    )
    const response = await app.request('/endless')
    await response.body?.cancel()
    expect((await root())?.metadata.end).not.toBe('completed')
  })

  it('records the error of a body that breaks', async () => {
    const body = new ReadableStream({
      pull() {
        throw new Error('the source broke')
      },
    })
    app.get('/broken', c => c.body(body))
    await expect((await app.request('/broken')).text()).rejects.toThrow('the source broke')
    expect(await root()).toMatchObject({ level: 'ERROR', statusMessage: 'Error: the source broke' })
  })

  it('records an error that the app answers itself', async () => {
    app.onError((_error, c) => c.text('sorry', 500))
    app.get('/throw', () => {
      throw new Error('thrown on purpose')
    })
    const response = await app.request('/throw')
    expect([response.status, await response.text()]).toEqual([500, 'sorry'])
    expect(await root()).toMatchObject({ name: 'GET /throw', statusMessage: 'Error: thrown on purpose' })
  })

  it('is named by the route below a mounted app, and by its method if only middleware ran', async () => {
    const users = new Hono().get('/:id', c => c.text('ok'))
    app.route('/tenants/:tenant/users', users)
    await (await app.request('/tenants/acme/users/7')).text()
    expect(await root()).toMatchObject({ name: 'GET /tenants/:tenant/users/:id' })
    recorder.clear()
    await (await app.request('/elsewhere')).text()
    expect(await root()).toMatchObject({ name: 'GET', metadata: { statusCode: 404 } })
  })

  it('is named by a route of all methods that answers', async () => {
    app.all('/auth/*', c => c.text('ok'))
    await (await app.request('/auth/login')).text()
    expect(await root()).toMatchObject({ name: 'GET /auth/*' })
  })

  it('carries the user of the context and the body that the handler read', async () => {
    const authenticate: MiddlewareHandler = (c, next) => {
      c.set('user' as never, { id: 'ada' } as never)
      return next()
    }
    app.post('/echo', authenticate, traceRoute({ capture: { requestBody: ['message'] } }), async c =>
      c.json(await c.req.json()),
    )
    const headers = { 'content-type': 'application/json' }
    await (await app.request('/echo', { method: 'POST', headers, body: '{"message":"hello"}' })).text()
    expect(await root()).toMatchObject({ userId: 'ada', input: 'hello' })
  })
})
