import { langfuseErrorHandler } from '@langfuse-middleware/express'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { expressVersions, isExpress4 } from './express-versions.ts'
import { tracedApp } from './traced-app.ts'

class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const failWith =
  (error: unknown): RequestHandler =>
  (_request, _response, next) =>
    next(error)

describe.each(expressVersions)('errors in %s', (version, express) => {
  let recorder: Recorder

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(() => recorder.clear())
  afterAll(() => recorder.close())

  const traced = (define: Parameters<typeof tracedApp>[2]) => tracedApp(express, recorder, define)

  function routerWith(path: string, handler: RequestHandler) {
    const router = express.Router()
    router.get(path, handler)
    return router
  }

  function answer(status: number): ErrorRequestHandler {
    return (error, _request, response, _next) => {
      response.status(status).json({ error: String(error) })
    }
  }

  it('records what was thrown, rejected or passed to next, with the name of its route', async () => {
    const { call } = traced(app => {
      app.get('/thrown/:id', () => {
        throw new TypeError('thrown')
      })
      app.get('/rejected/:id', async (_request, _response, next) => {
        const failing = Promise.reject(new Error('rejected'))
        if (isExpress4(version)) await failing.catch(next)
        else await failing
      })
      app.get('/passed/:id', failWith('a string'))
      app.use(langfuseErrorHandler())
    })
    for (const [path, message] of [
      ['thrown', 'TypeError: thrown'],
      ['rejected', 'Error: rejected'],
      ['passed', 'a string'],
    ] as const) {
      const { response, root } = await call('get', `/${path}/7`)
      expect(response.status).toBe(500)
      expect(root).toMatchObject({
        name: `GET /${path}/:id`,
        level: 'ERROR',
        statusMessage: message,
        metadata: { statusCode: 500, end: 'completed', error: message },
      })
    }
  })

  it('names the route of an error that left nested routers, without its own error handler too', async () => {
    const inner = express.Router()
    inner.use('/items', routerWith('/:id', failWith(new Error('deep'))))
    const { call } = traced(app => app.use('/t/:tenant', inner))
    const { root } = await call('get', '/t/acme/items/1')
    expect(root).toMatchObject({
      name: 'GET /t/:tenant/items/:id',
      level: 'ERROR',
      statusMessage: 'HTTP 500',
    })
  })

  it('names the route of an error that left a sub-application, once it has seen the route answer', async () => {
    let fails = true
    const sub = express()
    sub.get('/x/:id', (_request, response, next) => {
      if (fails) next(new Error('from below'))
      else response.json({})
    })
    const { nameOf } = traced(app => app.use('/sub/:tenant', sub))
    expect(await nameOf('/sub/acme/x/1')).toBe('GET /*/x/:id')
    fails = false
    expect(await nameOf('/sub/acme/x/1')).toBe('GET /sub/:tenant/x/:id')
    fails = true
    expect(await nameOf('/sub/other/x/2')).toBe('GET /sub/:tenant/x/:id')
  })

  it('takes the level from the answer of an error handler that translates', async () => {
    const { call } = traced(app => {
      app.use('/api', routerWith('/orders/:id', failWith(new HttpError(422, 'no such size'))))
      app.use(langfuseErrorHandler())
      app.use(answer(422))
    })
    const { response, root } = await call('get', '/api/orders/1')
    expect(response.status).toBe(422)
    expect(root).toMatchObject({
      name: 'GET /api/orders/:id',
      level: 'WARNING',
      statusMessage: 'Error: no such size',
      metadata: { statusCode: 422 },
    })
  })

  it('knows the route of a translated error without langfuseErrorHandler', async () => {
    const { call } = traced(app => {
      app.use('/api', routerWith('/orders/:id', failWith(new HttpError(422, 'no such size'))))
      app.get('/direct/:id', failWith(new HttpError(409, 'taken')))
      app.use(answer(422))
    })
    expect((await call('get', '/api/orders/1')).root.name).toBe('GET /api/orders/:id')
    expect((await call('get', '/direct/1')).root.name).toBe('GET /direct/:id')
  })

  it("knows the route of an error that Express's own handler translates", async () => {
    const { call } = traced(app => app.get('/direct/:id', failWith(new HttpError(403, 'no'))))
    const { response, root } = await call('get', '/direct/1')
    expect(response.status).toBe(403)
    expect(root).toMatchObject({ name: 'GET /direct/:id', level: 'WARNING' })
  })

  it('is an error if an error handler answers it with a good status', async () => {
    const { call } = traced(app => {
      app.get('/flaky/:id', failWith(new Error('transient')))
      app.use('/api', routerWith('/missing/:id', failWith(new HttpError(404, 'no such row'))))
      app.use(langfuseErrorHandler())
      app.use(((error: Error & { status?: number }, _request, response, _next) => {
        response.status(error.status ?? 200).json({ stale: true })
      }) satisfies ErrorRequestHandler)
    })
    const recovered = await call('get', '/flaky/1')
    expect(recovered.root).toMatchObject({
      name: 'GET /flaky/:id',
      level: 'ERROR',
      statusMessage: 'Error: transient',
      metadata: { statusCode: 200, error: 'Error: transient' },
    })
    expect((await call('get', '/api/missing/1')).root).toMatchObject({
      name: 'GET /api/missing/:id',
      level: 'WARNING',
      statusMessage: 'Error: no such row',
    })
  })

  it('lets an error of middleware have no route', async () => {
    const { call } = traced(app => {
      app.use(failWith(new HttpError(401, 'who are you')))
      app.get('/x', failWith(undefined))
      app.use(langfuseErrorHandler())
    })
    expect((await call('get', '/x')).root).toMatchObject({
      name: 'GET',
      level: 'WARNING',
      statusMessage: 'Error: who are you',
      metadata: { statusCode: 401 },
    })
  })

  it('records an error after the headers as a broken stream with the status that was sent', async () => {
    const { app } = traced(app => {
      app.get('/late/:id', (_request, response, next) => {
        response.write('so far')
        setImmediate(() => next(new Error('too late')))
      })
      app.use(langfuseErrorHandler())
    })
    const server = app.listen(0)
    const { port } = server.address() as { port: number }
    await expect(fetch(`http://127.0.0.1:${port}/late/1`).then(one => one.text())).rejects.toThrow()
    const { root } = await recorder.waitFor(trace => trace.root !== undefined)
    expect(root).toMatchObject({
      name: 'GET /late/:id',
      level: 'ERROR',
      statusMessage: 'Error: too late',
      metadata: { statusCode: 200, end: 'stream_error' },
    })
    server.close()
  })

  it('records a body that is no JSON as a bad request', async () => {
    const { call } = traced(app => {
      app.use(express.json())
      app.post('/x', failWith(undefined))
      app.use(langfuseErrorHandler())
    })
    const { response, root } = await call('post', '/x', test =>
      test.set('content-type', 'application/json').send('{"broken'),
    )
    expect(response.status).toBe(400)
    expect(root).toMatchObject({ name: 'POST', level: 'WARNING', metadata: { statusCode: 400 } })
    expect(root.statusMessage).toMatch(/^SyntaxError: /)
  })

  it('records a path that cannot be decoded as a bad request without a route', async () => {
    const { call } = traced(app => app.get('/users/:id', failWith(undefined)))
    const { response, root } = await call('get', '/users/%E0%A4%A')
    expect(response.status).toBe(400)
    expect(root).toMatchObject({ name: 'GET', level: 'WARNING' })
  })

  it('shows nothing of a body that express.json() cannot parse, unless bodies are captured', async () => {
    for (const requestBody of [false, true]) {
      const { call } = tracedApp(
        express,
        recorder,
        app =>
          app
            .use(express.json(), langfuseErrorHandler())
            .post('/', (_request, response) => void response.end()),
        { capture: { requestBody } },
      )
      const { response, root } = await call('post', '/', test =>
        test.set('content-type', 'application/json').send('{"note":private text'),
      )
      expect(response.status).toBe(400)
      expect(root.statusMessage).toContain('SyntaxError')
      expect(JSON.stringify(root.attributes).includes('private')).toBe(requestBody)
      recorder.clear()
    }
  })

  it('shows the names of errors alone if the option says so', async () => {
    const { call } = tracedApp(
      express,
      recorder,
      app => app.get('/', failWith(new TypeError('private text'))).use(langfuseErrorHandler()),
      { capture: { errorMessages: false } },
    )
    const { root } = await call('get', '/')
    expect(root.statusMessage).toBe('TypeError')
    expect(JSON.stringify(root.attributes)).not.toContain('private')
  })
})
