import { mkdtempSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { currentRequest, getRequestContext, safeTrace } from '@langfuse-middleware/core'
import { type LangfuseMiddlewareOptions, langfuseMiddleware, traceRoute } from '@langfuse-middleware/express'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import compression from 'compression'
import type { Request, RequestHandler, Response } from 'express'
import multer from 'multer'
import request from 'supertest'
import { expressVersions } from './express-versions.ts'
import { tracedApp } from './traced-app.ts'

const ok: RequestHandler = (_request, response) => {
  response.json({})
}

describe.each(expressVersions)('requests in %s', (_version, express) => {
  let recorder: Recorder

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(() => recorder.clear())
  afterAll(() => recorder.close())

  const traced = (define: Parameters<typeof tracedApp>[2], options?: LangfuseMiddlewareOptions) =>
    tracedApp(express, recorder, define, options)

  /** How many traces calls of `paths` left. */
  async function tracesAfter(app: Parameters<typeof request>[0], paths: readonly string[]): Promise<number> {
    recorder.clear()
    for (const path of paths) await request(app).get(path)
    while (recorder.tracing.stats().requests.open > 0) await new Promise(setImmediate)
    return (await recorder.traces()).length
  }

  it('traces a router that no application has', async () => {
    const router = express.Router()
    router.use(langfuseMiddleware())
    router.get('/plain', (_request, response) => void response.end('answered'))
    const server = createServer((incoming, response) =>
      router(incoming as Request, response as Response, () => response.writeHead(404).end()),
    )
    const { status, text } = await request(server).get('/plain')
    expect({ status, text }).toEqual({ status: 200, text: 'answered' })
    const { root } = await recorder.waitFor(() => true)
    expect(root?.metadata).toMatchObject({ statusCode: 200, end: 'completed' })
  })

  describe('ignore', () => {
    function appThatIgnores(ignore: LangfuseMiddlewareOptions['ignore']) {
      const router = express.Router()
      router.get(/.*/, (_request, response) => {
        safeTrace('below', () => {})
        response.json({ context: getRequestContext()?.requestId, own: currentRequest() !== undefined })
      })
      return traced(app => app.use(router), ignore === undefined ? {} : { ignore }).app
    }
    const all = ['/health', '/health/', '/health?x=1', '/internal/a/b', '/assets/app.js', '/healthy']

    it.each([
      ['a path, with and without a trailing slash', '/health', 3],
      ['a glob', '/internal/**', 5],
      ['an expression, a global one too', /\.js$/g, 5],
      ['a list', ['/health', '/internal/**', /\.js$/], 1],
      ['a predicate', (one: Request) => one.query.x === '1', 5],
    ] as const)('takes %s', async (_kind, ignore, traces) => {
      const app = appThatIgnores(ignore as LangfuseMiddlewareOptions['ignore'])
      expect(await tracesAfter(app, all)).toBe(traces)
      expect(await tracesAfter(app, all.toReversed())).toBe(traces)
    })

    it('keeps the context of a request that is ignored, and emits none of its observations', async () => {
      const app = appThatIgnores('/health')
      const { body } = await request(app).get('/health').set('x-request-id', 'mine')
      expect(body).toEqual({ context: 'mine', own: true })
      expect(await recorder.traces()).toEqual([])
    })

    it('answers a request whose predicate throws, untraced and counted', async () => {
      const app = appThatIgnores(() => {
        throw new Error('a bug in the predicate')
      })
      expect(await tracesAfter(app, ['/health'])).toBe(0)
      expect((await request(app).get('/health')).status).toBe(200)
      expect(recorder.tracing.stats().warnings['ignore failed']).toBeGreaterThanOrEqual(2)
    })
  })

  describe('identity', () => {
    const authenticate: RequestHandler = (incoming, _response, next) => {
      Object.assign(incoming, { user: { id: 42 }, session: { id: 'session-7' } })
      safeTrace('after login', () => {})
      next()
    }

    it('reads what authentication left on the request after the middleware', async () => {
      const { call } = traced(app => app.use(authenticate).get('/x', ok))
      const { root } = await call('get', '/x')
      expect(root).toMatchObject({ userId: '42', sessionId: 'session-7' })
      expect(root.children[0]).toMatchObject({ name: 'after login', userId: '42', sessionId: 'session-7' })
    })

    it('prefers it to the headers', async () => {
      const { call } = traced(app => app.use(authenticate).get('/x', ok))
      const { root } = await call('get', '/x', test => test.set({ 'x-user-id': 'ada', 'x-session-id': 's' }))
      expect(root).toMatchObject({ userId: '42', sessionId: 'session-7' })
    })

    it('takes other headers, in any case', async () => {
      const { call } = traced(app => app.get('/x', ok), {
        identity: { userId: 'X-Account', sessionId: 'X-Conversation' },
      })
      const { root } = await call('get', '/x', test =>
        test.set({ 'x-account': 'acme', 'x-conversation': 'c-1', 'x-user-id': 'ignored' }),
      )
      expect(root).toMatchObject({ userId: 'acme', sessionId: 'c-1' })
    })

    it('takes resolvers, which see what later middleware left', async () => {
      const { call } = traced(app => app.use(authenticate).get('/x', ok), {
        identity: {
          userId: incoming =>
            `user-${(incoming as Request & { user?: { id: number } }).user?.id ?? 'unknown'}`,
          sessionId: () => {
            throw new Error('a bug in the resolver')
          },
        },
      })
      const { response, root } = await call('get', '/x', test => test.set('x-session-id', 's'))
      expect(response.status).toBe(200)
      expect(root.userId).toBe('user-42')
      expect(root.sessionId).toBeUndefined()
    })

    it('takes none where it is turned off', async () => {
      const { app } = traced(one => one.use(authenticate).get('/x', ok), {
        identity: { userId: false, sessionId: false, requestId: false },
      })
      const response = await request(app).get('/x').set({ 'x-user-id': 'ada', 'x-request-id': 'mine' })
      expect(response.headers['x-request-id']).toBeUndefined()
      const { root } = await recorder.waitFor(one => one.root !== undefined)
      expect(root?.userId).toBeUndefined()
      expect(root?.sessionId).toBeUndefined()
      expect(root?.metadata.requestId).not.toBe('mine')
    })
  })

  describe('traceRoute', () => {
    it('says at its definition what is wrong with its options', () => {
      expect(() => traceRoute({ nam: 'x' } as never)).toThrow(
        expect.objectContaining({ code: 'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION' }),
      )
      for (const wrong of [{ name: '' }, { tags: 'llm' }, { metadata: 1 }, { sampling: { rate: 2 } }, null]) {
        expect(() => traceRoute(wrong as never)).toThrow(
          expect.objectContaining({ code: 'LANGFUSE_MIDDLEWARE_INVALID_OPTION' }),
        )
      }
    })

    it('does nothing without the middleware', async () => {
      const app = express()
      app.get('/x', traceRoute({ name: 'x' }), ok)
      app.get('/y', traceRoute(false), ok)
      expect((await request(app).get('/x')).status).toBe(200)
      expect((await request(app).get('/y')).status).toBe(200)
    })

    it('takes name, tags, metadata and sampling for its route alone', async () => {
      const { call } = traced(app => {
        app.get('/chat', traceRoute({ name: 'chat', tags: ['llm'], metadata: { plan: 'pro' } }), ok)
        app.get('/dropped', traceRoute({ sampling: { rate: 0 } }), ok)
        app.get('/plain', ok)
      })
      expect((await call('get', '/chat')).root).toMatchObject({
        name: 'chat',
        tags: ['llm'],
        metadata: { plan: 'pro', route: '/chat' },
      })
      expect((await call('get', '/plain')).root).toMatchObject({ name: 'GET /plain', tags: [] })
    })
  })

  it('says at its definition what is wrong with its options', () => {
    expect(() => langfuseMiddleware({ ignor: '/x' } as never)).toThrow(/did you mean "ignore"/)
    expect(() => langfuseMiddleware({ ignore: 'health' })).toThrow(
      expect.objectContaining({ code: 'LANGFUSE_MIDDLEWARE_INVALID_OPTION' }),
    )
    expect(() => langfuseMiddleware({ identity: { userId: 'not a header' } })).toThrow(/identity.userId/)
  })

  it('measures a compressed answer by what was sent', async () => {
    const { call } = traced(app => {
      app.use(compression({ threshold: 0 }))
      app.get('/x', (_request, response) => {
        response.json({ text: 'again and '.repeat(5_000) })
      })
    })
    const { response, root } = await call('get', '/x')
    expect(response.headers['content-encoding']).toBeDefined()
    expect(response.body.text).toHaveLength(50_000)
    expect(root).toMatchObject({ name: 'GET /x', metadata: { statusCode: 200, end: 'completed' } })
    expect(root.metadata.responseBytes).toBeGreaterThan(0)
    expect(root.metadata.responseBytes).toBeLessThan(5_000)
  })

  it.each(['memory', 'disk'] as const)('keeps the request across an upload to %s', async kind => {
    const directory = mkdtempSync(join(tmpdir(), 'upload-'))
    const upload = multer(kind === 'disk' ? { dest: directory } : { storage: multer.memoryStorage() })
    const { call } = traced(app => {
      app.post('/upload', upload.single('file') as unknown as RequestHandler, (incoming, response) => {
        safeTrace('after upload', () => {})
        response.json({ own: currentRequest() === incoming.langfuse })
      })
    })
    const { response, root } = await call('post', '/upload', test =>
      test.attach('file', Buffer.alloc(200_000, 'x'), 'big.txt'),
    )
    expect(response.body).toEqual({ own: true })
    expect(root.children.map(child => child.name)).toEqual(['after upload'])
    if (kind === 'disk') expect(readdirSync(directory)).toHaveLength(1)
  })
})

describe.each(expressVersions)('%s with tracing off', (_version, express) => {
  it('gives every handler a request.langfuse and a context, and does no more', async () => {
    const app = express()
    app.use(langfuseMiddleware({ enabled: false }))
    app.get('/x', traceRoute({ name: 'x' }), async (incoming, response) => {
      const trace = incoming.langfuse
      trace.setUser('ada')
      trace.addTags('tag')
      trace.update({ output: 'y' })
      const result = await safeTrace('child', async () => 'result')
      response.json({
        result,
        own: currentRequest() === trace,
        traceId: trace.traceId ?? null,
        aborted: trace.signal.aborted,
        context: getRequestContext(),
      })
    })
    const response = await request(app).get('/x').set({ 'x-request-id': 'mine', 'x-user-id': 'ada' })
    expect(response.body).toEqual({
      result: 'result',
      own: true,
      traceId: null,
      aborted: false,
      context: { requestId: 'mine', userId: 'ada' },
    })
  })
})
