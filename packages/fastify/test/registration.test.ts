import {
  currentRequest,
  getRequestContext,
  getTracing,
  initTracing,
  safeTrace,
} from '@langfuse-middleware/core'
import langfusePlugin, { type LangfusePluginOptions } from '@langfuse-middleware/fastify'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { FastifyInstance } from 'fastify'
import { fastifyVersions } from './fastify-versions.ts'

describe.each(fastifyVersions)('registration in %s', (_version, fastify) => {
  let recorder: Recorder
  let app: FastifyInstance

  beforeAll(() => {
    recorder = recordTraces()
  })
  beforeEach(() => {
    app = fastify()
  })
  afterEach(async () => {
    await app.close()
    recorder.clear()
  })
  afterAll(() => recorder.close())

  async function names(): Promise<(string | undefined)[]> {
    return (await recorder.traces()).map(trace => trace.root?.name)
  }

  it('traces the routes of the instance it is registered on and of its children, by their whole path', async () => {
    await app.register(langfusePlugin)
    await app.register(
      async child => {
        child.get('/users/:id', async () => ({}))
        await child.register(async one => one.get('/*', async () => ({})), { prefix: '/files' })
        child.get('/', async () => ({}))
      },
      { prefix: '/v1/:tenant' },
    )
    for (const path of ['/v1/acme/users/3', '/v1/acme/files/a/b.txt', '/v1/acme']) {
      expect((await app.inject(path)).statusCode).toBe(200)
    }
    expect(await names()).toEqual(['GET /v1/:tenant/users/:id', 'GET /v1/:tenant/files/*', 'GET /v1/:tenant'])
  })

  it('traces a child alone when it is registered in it', async () => {
    app.get('/outside', async request => ({ has: 'langfuse' in request }))
    await app.register(async child => {
      await child.register(langfusePlugin)
      child.get('/inside', async request => ({ has: 'langfuse' in request }))
    })
    expect((await app.inject('/outside')).json()).toEqual({ has: false })
    expect((await app.inject('/inside')).json()).toEqual({ has: true })
    expect(await names()).toEqual(['GET /inside'])
  })

  it('takes siblings of one another, each with options of its own', async () => {
    for (const [name, prefix] of [
      ['a', '/a'],
      ['b', '/b'],
    ] as const) {
      await app.register(
        async child => {
          await child.register(langfusePlugin, { tags: [name] })
          child.get('/x', async () => ({}))
        },
        { prefix },
      )
    }
    await app.inject('/a/x')
    await app.inject('/b/x')
    expect((await recorder.traces()).map(trace => trace.root?.tags)).toEqual([['a'], ['b']])
  })

  it.each([
    ['on one instance', async () => app.register(langfusePlugin)],
    ['in a child', async () => app.register(async child => child.register(langfusePlugin))],
  ])('says so when it is registered twice %s', async (_where, again) => {
    await app.register(langfusePlugin)
    await expect(again()).rejects.toMatchObject({ code: 'LANGFUSE_MIDDLEWARE_ALREADY_REGISTERED' })
  })

  it.each([
    ['UNKNOWN', { ignor: '/x' }],
    ['INVALID', { ignore: 'health' }],
    ['INVALID', { identity: { userId: 'not a header' } }],
    ['INVALID', { sampling: { rate: 2 } }],
  ])('fails at the start with an %s_OPTION for %j', async (kind, options) => {
    await expect(app.register(langfusePlugin, options as LangfusePluginOptions)).rejects.toMatchObject({
      code: `LANGFUSE_MIDDLEWARE_${kind}_OPTION`,
    })
  })

  it.each([
    ['UNKNOWN', { nam: 'x' }],
    ['INVALID', { name: '' }],
    ['INVALID', { tags: 'llm' }],
    ['INVALID', { sampling: { rate: -1 } }],
    ['INVALID', 'chat'],
  ])('fails at the start with an %s_OPTION for a route with %j', async (kind, langfuse) => {
    await app.register(langfusePlugin)
    const defining = app.register(async child => {
      child.get('/x', { config: { langfuse: langfuse as never } }, async () => ({}))
    })
    await expect(defining).rejects.toMatchObject({ code: `LANGFUSE_MIDDLEWARE_${kind}_OPTION` })
  })

  it('fails with the remedy if the plugin was called instead of registered', async () => {
    const call = langfusePlugin as unknown as (options: object) => Promise<void>
    // Fastify takes the promise of a plugin, such as that of an import().
    const register = async () => app.register(call(undefined as never) as never)
    await expect(register()).rejects.toThrow('langfusePlugin must be registered, not called: use register(')
  })

  it('takes what register adds to the options of a plugin', async () => {
    await app.register(langfusePlugin, { prefix: '/p', logLevel: 'warn' } as LangfusePluginOptions)
    app.get('/x', async () => ({}))
    await app.inject('/x')
    expect(await names()).toEqual(['GET /x'])
  })

  it('traces routes that were defined before it', async () => {
    app.get('/early/:id', async () => ({}))
    await app.register(langfusePlugin)
    await app.inject('/early/1')
    expect(await names()).toEqual(['GET /early/:id'])
  })

  it('takes a route option from HEAD routes too, and names both', async () => {
    await app.register(langfusePlugin)
    app.get('/x/:id', { exposeHeadRoute: true }, async () => 'text')
    app.get('/skipped', { exposeHeadRoute: true, config: { langfuse: false } }, async () => 'text')
    await app.inject({ method: 'HEAD', url: '/x/1' })
    await app.inject({ method: 'HEAD', url: '/skipped' })
    expect(await names()).toEqual(['HEAD /x/:id'])
  })
})

describe.each(fastifyVersions)('the life of %s', (_version, fastify) => {
  it('sends what has ended before it closes', async () => {
    const sent: string[] = []
    const tracing = initTracing({
      logger: { info() {}, warn() {}, error() {} },
      flush: { at: 1_000, intervalMs: 3_600_000 },
      shutdown: { signals: false },
      exporter: {
        export(spans, done) {
          sent.push(...spans.map(span => span.name))
          done({ code: 0 })
        },
        shutdown: async () => {},
      },
    })
    const app = fastify()
    await app.register(langfusePlugin)
    app.get('/x', async () => ({}))
    await app.inject('/x')
    expect(sent).toEqual([])
    await app.close()
    expect(sent).toEqual(['GET /x'])
    expect(getTracing()).toBe(tracing)
    await tracing.shutdown()
  })

  it('gives every handler a request.langfuse and a context with tracing off, and does no more', async () => {
    const app = fastify()
    await app.register(langfusePlugin, { enabled: false })
    app.get('/x', { config: { langfuse: { name: 'x' } } }, async request => {
      const trace = request.langfuse
      trace.setUser('ada')
      trace.update({ output: 'y' })
      return {
        result: await safeTrace('child', async () => 'result'),
        own: currentRequest() === trace,
        traceId: trace.traceId ?? null,
        context: getRequestContext(),
      }
    })
    const response = await app.inject({ url: '/x', headers: { 'x-request-id': 'mine', 'x-user-id': 'ada' } })
    expect(response.json()).toEqual({
      result: 'result',
      own: true,
      traceId: null,
      context: { requestId: 'mine', userId: 'ada' },
    })
    await app.close()
    await getTracing()?.shutdown()
  })
})
