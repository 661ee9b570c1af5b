import { currentRequest, getRequestContext, safeTrace } from '@langfuse-middleware/core'
import type { LangfusePluginOptions } from '@langfuse-middleware/fastify'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fastifyVersions } from './fastify-versions.ts'
import { type TracedApp, tracedApp } from './traced-app.ts'

type Authenticated = FastifyRequest & { user: { id: number } | null; session: { id: string } | null }

describe.each(fastifyVersions)('requests in %s', (_version, fastify) => {
  let recorder: Recorder
  let traced: TracedApp

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(async () => {
    await traced.app.close()
    recorder.clear()
  })
  afterAll(() => recorder.close())

  async function serve(define: (app: FastifyInstance) => unknown, options?: LangfusePluginOptions) {
    traced = await tracedApp(fastify, recorder, define, options === undefined ? {} : { options })
    return traced
  }

  function withAuthentication(app: FastifyInstance): void {
    app.decorateRequest('user', null)
    app.decorateRequest('session', null as never)
    app.addHook('preHandler', async request => {
      safeTrace('before login', () => {})
      Object.assign(request as Authenticated, { user: { id: 42 }, session: { id: 'session-7' } })
    })
    app.get('/x', async () => ({}))
  }

  it('reads what hooks leave in request.user and request.session, for earlier observations too', async () => {
    const { call } = await serve(withAuthentication)
    const { root } = await call('/x')
    expect(root).toMatchObject({ userId: '42', sessionId: 'session-7' })
    expect(root.children[0]).toMatchObject({ name: 'before login', userId: '42', sessionId: 'session-7' })
  })

  it('takes resolvers of the Fastify request, and none where it is turned off', async () => {
    const { call } = await serve(withAuthentication, {
      identity: { userId: request => `user-${(request as Authenticated).user?.id}`, sessionId: false },
    })
    const { root } = await call('/x', { headers: { 'x-session-id': 's' } })
    expect(root.userId).toBe('user-42')
    expect(root.sessionId).toBeUndefined()
  })

  it('leaves ignored requests their context, and emits none of their observations', async () => {
    const { call, port } = await serve(
      app => {
        app.get('/health', async () => {
          safeTrace('must not be seen', () => {})
          return { own: currentRequest() !== undefined, id: getRequestContext()?.requestId }
        })
        app.get('/x', async () => ({}))
      },
      { ignore: request => (request as FastifyRequest).routeOptions.url === '/health' },
    )
    const response = await fetch(`http://127.0.0.1:${port}/health`, { headers: { 'x-request-id': 'mine' } })
    expect(await response.json()).toEqual({ own: true, id: 'mine' })
    await call('/x')
    expect((await recorder.traces()).map(trace => trace.root?.name)).toEqual(['GET /x'])
  })

  it('keeps the request in every hook, in parsers and in serialisers', async () => {
    const seen: Record<string, boolean> = {}
    const note = (name: string, request: FastifyRequest) => {
      seen[name] = currentRequest() === request.langfuse
    }
    const { call } = await serve(app => {
      const hooks = [
        'onRequest',
        'preParsing',
        'preValidation',
        'preHandler',
        'preSerialization',
        'onSend',
      ] as const
      for (const hook of [...hooks, 'onResponse'] as const) {
        app.addHook(hook as 'preHandler', async request => note(hook, request))
      }
      app.addContentTypeParser('text/lines', { parseAs: 'string' }, (request, body, done) => {
        note('parser', request)
        done(null, body)
      })
      app.post('/x', async request => {
        note('handler', request)
        return { ok: true }
      })
    })
    await call('/x', { method: 'POST', body: 'a\nb', headers: { 'content-type': 'text/lines' } })
    expect(Object.values(seen)).toHaveLength(9)
    expect(Object.entries(seen).filter(([, own]) => !own)).toEqual([])
  })
})
