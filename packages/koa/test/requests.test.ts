import { Readable } from 'node:stream'
import Router from '@koa/router'
import { langfuseMiddleware, traceRoute } from '@langfuse-middleware/koa'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { Middleware } from 'koa'
import mount from 'koa-mount'
import request from 'supertest'
import { koaVersions } from './koa-versions.ts'

const ok: Middleware = ctx => {
  ctx.body = 'ok'
}

describe.each(koaVersions)('a request in %s', (_version, Koa) => {
  let recorder: Recorder

  beforeAll(() => {
    recorder = recordTraces()
  })
  beforeEach(() => recorder.clear())
  afterAll(() => recorder.close())

  function traced(...middleware: Middleware[]) {
    const app = new Koa()
    app.silent = true
    app.use(langfuseMiddleware())
    for (const one of middleware) app.use(one)
    return app.callback()
  }

  const routes = (define: (router: Router) => void, prefix = '') => {
    const router = new Router({ prefix })
    define(router)
    return router.routes() as Middleware
  }
  const root = async () => (await recorder.waitFor(trace => trace.root !== undefined)).root

  it.each<[string, string, Middleware]>([
    ['GET /api/users/:id', '/api/users/7', routes(router => router.get('/users/:id', ok), '/api')],
    [
      'GET /shop/users/:id',
      '/shop/users/7',
      mount(
        '/shop',
        routes(router => router.get('/users/:id', ok)),
      ),
    ],
    [
      'GET /a/b/users/:id',
      '/a/b/users/7',
      mount(
        '/a',
        mount(
          '/b',
          routes(router => router.get('/users/:id', ok)),
        ),
      ),
    ],
    ['GET', '/nothing', routes(router => router.get('/users/:id', ok))],
  ])('is named %s for %s', async (name, path, middleware) => {
    await request(traced(middleware)).get(path)
    expect(await root()).toMatchObject({ name })
  })

  it('is named by its route behind a mount that passed it on', async () => {
    const passes: Middleware = (_ctx, next) => next()
    await request(
      traced(
        mount('/users', passes),
        routes(router => router.get('/users/:id', ok)),
      ),
    ).get('/users/7')
    expect(await root()).toMatchObject({ name: 'GET /users/:id' })
  })

  it('carries the user that authentication put in ctx.state', async () => {
    const authenticate: Middleware = (ctx, next) => {
      ctx.state.user = { id: 'ada' }
      return next()
    }
    await request(traced(authenticate, ok)).get('/').set('x-user-id', 'somebody else')
    expect(await root()).toMatchObject({ userId: 'ada' })
  })

  it('records a stream that breaks by the error of its source', async () => {
    const stream: Middleware = ctx => {
      ctx.body = Readable.from(
        (async function* () {
          yield 'so far '
          throw new Error('the source broke')
        })(),
      )
    }
    // Koa 2 leaves the response open, so the client has to leave.
    await request(traced(stream))
      .get('/')
      .timeout(500)
      .catch(() => {})
    expect(await root()).toMatchObject({ statusMessage: 'Error: the source broke' })
  })

  it('keeps type, length and content of a captured body', async () => {
    const answer: Middleware = ctx => {
      ctx.body = { role: 'assistant', content: 'hello' }
    }
    const { body, headers } = await request(
      traced(traceRoute({ capture: { responseBody: true } }), answer),
    ).get('/')
    expect(body).toEqual({ role: 'assistant', content: 'hello' })
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': '38',
    })
    expect(await root()).toMatchObject({ output: { role: 'assistant', content: 'hello' } })
  })

  it('throws at the first request if the middleware was registered without being called', async () => {
    const app = new Koa()
    const errors: unknown[] = []
    app.on('error', error => errors.push(error))
    app.use(langfuseMiddleware as unknown as Middleware)
    await request(app.callback()).get('/').expect(500)
    expect(String(errors[0])).toContain('use langfuseMiddleware() instead of langfuseMiddleware')
  })
})
