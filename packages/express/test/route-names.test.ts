import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { langfuseErrorHandler, langfuseMiddleware } from '@langfuse-middleware/express'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { RequestHandler } from 'express'
import { expressVersions, isExpress4 } from './express-versions.ts'
import { callable, tracedApp } from './traced-app.ts'

const ok: RequestHandler = (_request, response) => {
  response.json({})
}
const passOn: RequestHandler = (_request, _response, next) => next()

describe.each(expressVersions)('names of traces in %s', (version, express) => {
  const four = isExpress4(version)
  let recorder: Recorder

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(() => recorder.clear())
  afterAll(() => recorder.close())

  const traced = (define: Parameters<typeof tracedApp>[2]) => tracedApp(express, recorder, define)

  function routerWith(path: string | RegExp | (string | RegExp)[], handler: RequestHandler = ok) {
    const router = express.Router()
    router.get(path, handler)
    return router
  }

  describe('mounts', () => {
    it('puts a mount before the path of its route', async () => {
      const { nameOf } = traced(app => app.use('/api', routerWith('/users/:id')))
      expect(await nameOf('/api/users/7')).toBe('GET /api/users/:id')
    })

    it('names the root of a router by its mount', async () => {
      const { nameOf } = traced(app => app.use('/api/', routerWith('/')))
      expect(await nameOf('/api')).toBe('GET /api')
      expect(await nameOf('/api/')).toBe('GET /api')
    })

    it('puts nested mounts one after the other, those without a path too', async () => {
      const outer = express.Router()
      const middle = express.Router()
      middle.use(passOn, routerWith('/things/:id'))
      outer.use('/v1', middle)
      const { nameOf } = traced(app => app.use('/api', outer))
      expect(await nameOf('/api/v1/things/3')).toBe('GET /api/v1/things/:id')
    })

    it('names a parameterised mount by its parameter, whatever the request puts there', async () => {
      const { nameOf } = traced(app => app.use('/tenants/:tenant', routerWith('/items/:id')))
      for (const tenant of ['acme', 'tenants', 'items', '0', '%C3%A9', 'a-b.c', '%E2%82%AC']) {
        expect(await nameOf(`/tenants/${tenant}/items/1`)).toBe('GET /tenants/:tenant/items/:id')
      }
    })

    it('tells two parameters of one mount apart, also with the same value', async () => {
      const { nameOf } = traced(app => app.use('/:org/teams/:team', routerWith('/list')))
      expect(await nameOf('/acme/teams/blue/list')).toBe('GET /:org/teams/:team/list')
      expect(await nameOf('/teams/teams/teams/list')).toBe('GET /:org/teams/:team/list')
    })

    it('names two parameters within one segment', async () => {
      const { nameOf } = traced(app => app.use('/flights/:from-:to', routerWith('/seats')))
      expect(await nameOf('/flights/ber-lis/seats')).toBe('GET /flights/:from-:to/seats')
      expect(await nameOf('/flights/lhr-jfk/seats')).toBe('GET /flights/:from-:to/seats')
    })

    it('names an optional parameter as the router writes it, or leaves it out', async () => {
      const { nameOf } = traced(app => app.use(four ? '/:lang?/shop' : '{/:lang}/shop', routerWith('/cart')))
      const [with_, without] = [await nameOf('/de/shop/cart'), await nameOf('/shop/cart')]
      expect(['GET /:lang/shop/cart', 'GET {/:lang}/shop/cart']).toContain(with_)
      expect(['GET /shop/cart', 'GET {/:lang}/shop/cart']).toContain(without)
      expect(await nameOf('/fr/shop/cart')).toBe(with_)
    })

    it('names one router by each of the places it is mounted at', async () => {
      const shared = routerWith('/items/:id')
      const { nameOf } = traced(app => {
        app.use('/old', shared)
        app.use('/new', shared)
        app.use('/t/:tenant', shared)
      })
      for (const _turn of [1, 2]) {
        expect(await nameOf('/old/items/1')).toBe('GET /old/items/:id')
        expect(await nameOf('/new/items/1')).toBe('GET /new/items/:id')
        expect(await nameOf('/t/acme/items/1')).toBe('GET /t/:tenant/items/:id')
      }
    })

    it('names a router at several paths by the one that was called', async () => {
      const { nameOf } = traced(app => app.use(['/a', '/b', '/c/:id'], routerWith('/x')))
      expect(await nameOf('/a/x')).toBe('GET /a/x')
      expect(await nameOf('/b/x')).toBe('GET /b/x')
      expect(await nameOf('/c/9/x')).toBe('GET /c/:id/x')
    })

    it('keeps what only the request knows out of the name of a mount by expression', async () => {
      const { nameOf } = traced(app => app.use(/^\/t\/\d+/, routerWith('/x')))
      const names = [await nameOf('/t/123/x'), await nameOf('/t/456/x')]
      expect(names[0]).toBe(names[1])
      expect(['GET /t/*/x', 'GET /*/x']).toContain(names[0])
    })

    it('spells a mount as the app does, whatever the case of the request', async () => {
      const { nameOf } = traced(app => app.use('/admin/:section', routerWith('/list')))
      expect(await nameOf('/ADMIN/users/LIST')).toBe('GET /admin/:section/list')
    })

    it('follows a path that the app rewrites', async () => {
      const { nameOf } = traced(app => {
        app.use((request, _response, next) => {
          request.url = request.url.replace('/legacy', '/v2/acme')
          next()
        })
        app.use('/v2/:tenant', routerWith('/items'))
      })
      expect(await nameOf('/legacy/items')).toBe('GET /v2/:tenant/items')
    })

    it('names a route below a router that it cannot see by the mount it can', async () => {
      const hidden = routerWith('/items/:id')
      const { nameOf } = traced(app =>
        app.use('/lazy/:tenant', (request, response, next) => hidden(request, response, next)),
      )
      expect(await nameOf('/lazy/acme/items/1')).toBe('GET /lazy/:tenant/items/:id')
    })

    it('shows merged parameters without confusing them with its own', async () => {
      const router = express.Router({ mergeParams: true })
      router.get('/items/:id', (request, response) => {
        response.json(request.params)
      })
      const { call } = traced(app => app.use('/t/:id', router))
      const { response, root } = await call('get', '/t/1/items/2')
      expect(response.body).toEqual({ id: '2' })
      expect(root.name).toBe('GET /t/:id/items/:id')
    })
  })

  describe('sub-applications', () => {
    it('names their routes below their mount', async () => {
      const { nameOf } = traced(app => {
        const admin = express()
        admin.get('/users/:id', ok)
        admin.use('/reports/:year', routerWith('/summary'))
        app.use('/admin', admin)
      })
      expect(await nameOf('/admin/users/3')).toBe('GET /admin/users/:id')
      expect(await nameOf('/admin/reports/2026/summary')).toBe('GET /admin/reports/:year/summary')
    })

    it('takes parameterised, nested and several mounts', async () => {
      const { nameOf } = traced(app => {
        const inner = express()
        inner.get('/x', ok)
        const outer = express()
        outer.use('/inner/:b', inner)
        app.use(['/outer/:a', '/other'], outer)
      })
      expect(await nameOf('/outer/1/inner/2/x')).toBe('GET /outer/:a/inner/:b/x')
      expect(await nameOf('/other/inner/2/x')).toBe('GET /other/inner/:b/x')
    })

    it('finds one that a router holds', async () => {
      const { nameOf } = traced(app => {
        const sub = express()
        sub.get('/x/:id', ok)
        const router = express.Router()
        router.use('/sub', sub)
        app.use('/r/:tenant', router)
      })
      expect(await nameOf('/r/acme/sub/x/1')).toBe('GET /r/:tenant/sub/x/:id')
    })

    it('names the routes after one that passed the request on', async () => {
      const { nameOf } = traced(app => {
        const sub = express()
        sub.get('/other', ok)
        app.use('/a', sub)
        app.get('/a/:id', ok)
      })
      expect(await nameOf('/a/5')).toBe('GET /a/:id')
    })

    it('knows the whole path when only the sub-application is traced', async () => {
      const sub = express()
      sub.use(langfuseMiddleware())
      sub.get('/x/:id', ok)
      const app = express()
      app.use('/sub/:tenant', sub)
      const { nameOf } = callable(app, recorder)
      expect(await nameOf('/sub/acme/x/1')).toBe('GET /sub/:tenant/x/:id')
    })
  })

  describe('paths', () => {
    it('names a route at several paths by all of them', async () => {
      const { nameOf } = traced(app => {
        app.get(['/a/:id', '/b/:key'], ok)
        app.use('/m', routerWith(['/x', '/y']))
      })
      expect(await nameOf('/a/1')).toBe('GET /a/:id|/b/:key')
      expect(await nameOf('/b/1')).toBe('GET /a/:id|/b/:key')
      expect(await nameOf('/m/y')).toBe('GET /m/x|/m/y')
    })

    it('names a route by its expression', async () => {
      const { nameOf } = traced(app => app.get(/^\/posts\/(\d+)$/, ok))
      expect(await nameOf('/posts/12')).toBe('GET /^\\/posts\\/(\\d+)$/')
    })

    it('names a wildcard as it is written', async () => {
      const path = four ? '/files/*' : '/files/*splat'
      const { nameOf } = traced(app => app.get(path, ok))
      expect(await nameOf('/files/a/b/c.txt')).toBe(`GET ${path}`)
    })

    const itOn4 = four ? it : () => {}
    itOn4('names constrained parameters, of a route as written and of a mount by name', async () => {
      const { nameOf } = traced(app => {
        app.get('/users/:id(\\d+)', ok)
        app.use('/t/:tenant([0-9a-f]{4})', routerWith('/x'))
        app.use('/wild/*', routerWith('/'))
      })
      expect(await nameOf('/users/12')).toBe('GET /users/:id(\\d+)')
      expect(await nameOf('/t/beef/x')).toBe('GET /t/:tenant/x')
      expect(await nameOf('/wild/a/b')).toBe('GET /wild/*')
    })

    it('names a route made by route() and one for all methods', async () => {
      const { call } = traced(app => {
        app.route('/things/:id').get(ok).put(ok)
        app.all('/any/:id', ok)
      })
      expect((await call('put', '/things/1')).root.name).toBe('PUT /things/:id')
      expect((await call('post', '/any/1')).root.name).toBe('POST /any/:id')
    })
  })

  describe('what no route answers', () => {
    it('names a 404 by method alone, from the default and from a handler of the app', async () => {
      const plain = traced(app => app.get('/x', ok))
      const custom = traced(app => {
        app.get('/x', ok)
        app.use((_request, response) => {
          response.status(404).json({})
        })
      })
      for (const { call } of [plain, custom]) {
        const { response, root } = await call('get', '/no/such/path')
        expect(response.status).toBe(404)
        expect(root).toMatchObject({ name: 'GET', level: 'WARNING', metadata: { statusCode: 404 } })
        expect(root.metadata.route).toBeUndefined()
      }
    })

    it('does not name a 404 by a route that passed the request on', async () => {
      const { nameOf } = traced(app => {
        app.get('/items/:id', passOn)
        app.use('/api/:tenant', routerWith('/x', passOn))
      })
      expect(await nameOf('/items/1')).toBe('GET')
      expect(await nameOf('/api/acme/x')).toBe('GET')
    })

    it("does not name an answer of the app's last middleware by a route that passed the request on", async () => {
      const { nameOf } = traced(app => {
        app.get('/items/:id', passOn)
        app.use('/api', routerWith('/x', passOn))
        app.use(ok)
      })
      expect(await nameOf('/items/1')).toBe('GET')
      expect(await nameOf('/api/x')).toBe('GET')
    })

    it('names what a mounted middleware answers by its mount', async () => {
      const { nameOf } = traced(app => app.use('/hooks/:source', ok))
      expect(await nameOf('/hooks/github/push/1')).toBe('GET /hooks/:source/*')
    })

    it('names files by their mount, and missing files not at all', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'static-'))
      writeFileSync(join(directory, 'hello.txt'), 'hello')
      const { call } = traced(app => {
        app.use('/assets', express.static(directory))
        app.use(express.static(directory))
      })
      const hit = await call('get', '/assets/hello.txt')
      expect(hit.response.text).toBe('hello')
      expect(hit.root).toMatchObject({
        name: 'GET /assets/*',
        level: 'DEFAULT',
        metadata: { responseBytes: 5 },
      })
      expect((await call('get', '/hello.txt')).root.name).toBe('GET')
      expect((await call('get', '/assets/none.txt')).root).toMatchObject({ name: 'GET', level: 'WARNING' })
    })

    it('names the answers that Express gives by itself to OPTIONS and HEAD', async () => {
      const { call } = traced(app => app.get('/x/:id', ok))
      const options = await call('options', '/x/1')
      expect(options.response.headers.allow).toContain('GET')
      expect(options.root).toMatchObject({ name: 'OPTIONS', level: 'DEFAULT', metadata: { statusCode: 200 } })
      const head = await call('head', '/x/1')
      expect(head.root).toMatchObject({ name: 'HEAD /x/:id', metadata: { statusCode: 200 } })
      expect((await call('post', '/x/1')).root).toMatchObject({ name: 'POST', level: 'WARNING' })
    })
  })

  describe('routing on', () => {
    it("names the route that next('route') led to", async () => {
      const { nameOf } = traced(app => {
        app.get('/x/:id', (_request, _response, next) => next('route'), ok)
        app.get('/x/:key', ok)
      })
      expect(await nameOf('/x/1')).toBe('GET /x/:key')
    })

    it("names the route that next('router') led to", async () => {
      const router = express.Router()
      router.get('/:id', (_request, _response, next) => next('router'))
      router.get('/:id', ok)
      const { nameOf } = traced(app => {
        app.use('/x', router)
        app.get('/x/:key', ok)
      })
      expect(await nameOf('/x/1')).toBe('GET /x/:key')
    })

    it('names a route whose parameters are loaded first, and the error of loading them', async () => {
      const router = express.Router()
      router.param('item', (request, _response, next, id) => {
        setImmediate(() => {
          Object.assign(request, { item: id })
          next()
        })
      })
      router.get('/:item', ok)
      const { nameOf, call } = traced(app => {
        app.param('user', (_request, _response, next, id) => next(id === '0' ? new Error('no user') : null))
        app.get('/users/:user', ok)
        app.use('/items', router)
        app.use(langfuseErrorHandler())
      })
      expect(await nameOf('/items/4')).toBe('GET /items/:item')
      expect(await nameOf('/users/1')).toBe('GET /users/:user')
      expect((await call('get', '/users/0')).root).toMatchObject({
        name: 'GET /users/:user',
        level: 'ERROR',
        statusMessage: 'Error: no user',
      })
    })
  })

  it('traces a request once when the middleware is mounted twice', async () => {
    const router = express.Router()
    router.use(langfuseMiddleware())
    router.get('/x', ok)
    const { nameOf } = traced(app => app.use('/r', router))
    const before = recorder.tracing.stats().requests.started
    expect(await nameOf('/r/x')).toBe('GET /r/x')
    expect(recorder.tracing.stats().requests.started).toBe(before + 1)
  })
})
