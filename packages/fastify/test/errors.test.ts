import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { FastifyInstance } from 'fastify'
import { fastifyVersions } from './fastify-versions.ts'
import { type TracedApp, tracedApp } from './traced-app.ts'

class HttpError extends Error {
  readonly statusCode: number
  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

describe.each(fastifyVersions)('errors in %s', (_version, fastify) => {
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

  async function serve(define: (app: FastifyInstance) => unknown): Promise<TracedApp['call']> {
    traced = await tracedApp(fastify, recorder, define)
    return traced.call
  }

  it('records what a handler or a hook threw, with the name of the route', async () => {
    const call = await serve(app => {
      app.get('/handler/:id', async () => {
        throw new TypeError('from the handler')
      })
      app.get(
        '/hook/:id',
        {
          preHandler: (_request, _reply, done) => done(new Error('from the hook')),
        },
        async () => ({}),
      )
      app.get(
        '/parsing/:id',
        { preParsing: async () => Promise.reject(new Error('from parsing')) },
        async () => ({}),
      )
      app.get(
        '/sending/:id',
        { onSend: async () => Promise.reject(new Error('from sending')) },
        async () => ({}),
      )
    })
    for (const [path, message] of [
      ['handler', 'TypeError: from the handler'],
      ['hook', 'Error: from the hook'],
      ['parsing', 'Error: from parsing'],
      ['sending', 'Error: from sending'],
    ] as const) {
      const { status, root } = await call(`/${path}/1`)
      expect(status).toBe(500)
      expect(root).toMatchObject({
        name: `GET /${path}/:id`,
        level: 'ERROR',
        statusMessage: message,
        metadata: { statusCode: 500, end: 'completed' },
      })
    }
  })

  it('takes the level from the answers of error handlers, each in its scope', async () => {
    const call = await serve(async app => {
      app.setErrorHandler((_error, _request, reply) => reply.status(500).send({ outer: true }))
      app.get('/outer', async () => Promise.reject(new Error('outer')))
      await app.register(async child => {
        child.setErrorHandler((_error, _request, reply) => reply.status(422).send({ inner: true }))
        child.get('/inner', async () => Promise.reject(new HttpError(409, 'inner')))
      })
      await app.register(async child => {
        child.setErrorHandler(async () => ({ recovered: true }))
        child.get('/recovered', async (_request, reply) => {
          reply.status(200)
          throw new Error('transient')
        })
      })
    })
    expect((await call('/outer')).root).toMatchObject({ level: 'ERROR', statusMessage: 'Error: outer' })
    expect((await call('/inner')).root).toMatchObject({
      name: 'GET /inner',
      level: 'WARNING',
      statusMessage: 'Error: inner',
      metadata: { statusCode: 422 },
    })
    const recovered = await call('/recovered')
    expect(recovered.root.metadata).toMatchObject({ statusCode: recovered.status, error: 'Error: transient' })
    expect(recovered.root.level).toBe('ERROR')
  })

  it('records a request that does not fit its schema as a warning with the reason', async () => {
    const schema = { body: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } } }
    const call = await serve(app => app.post('/chat/:id', { schema }, async () => ({})))
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const invalid = await call('/chat/1', { ...json, body: '{}' })
    expect(invalid.status).toBe(400)
    expect(invalid.root).toMatchObject({ name: 'POST /chat/:id', level: 'WARNING' })
    expect(invalid.root.statusMessage).toContain("must have required property 'text'")
    const malformed = await call('/chat/1', { ...json, body: '{"broken' })
    expect(malformed.status).toBe(400)
    expect(malformed.root).toMatchObject({ name: 'POST /chat/:id', level: 'WARNING' })
    const unsupported = await call('/chat/1', {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'a/b' },
    })
    expect(unsupported.root).toMatchObject({ level: 'WARNING', metadata: { statusCode: 415 } })
  })

  it('names a request that no route took by its method, from any not-found handler', async () => {
    const call = await serve(async app => {
      app.get('/x', async () => ({}))
      app.setNotFoundHandler((_request, reply) => reply.status(404).send({ custom: true }))
      await app.register(
        async child => {
          child.setNotFoundHandler((_request, reply) => reply.status(404).send({ inner: true }))
        },
        { prefix: '/v1' },
      )
    })
    for (const path of ['/no/such/path/1', '/v1/nor/this']) {
      const { status, root } = await call(path)
      expect(status).toBe(404)
      expect(root).toMatchObject({ name: 'GET', level: 'WARNING' })
      expect(root.metadata.route).toBeUndefined()
    }
  })

  it('keeps the name of a route that finds nothing and says so', async () => {
    const call = await serve(app => {
      app.setNotFoundHandler((_request, reply) => reply.status(404).send({ custom: true }))
      app.get('/users/:id', (_request, reply) => {
        reply.callNotFound()
      })
    })
    const { text, root } = await call('/users/7')
    expect(text).toContain('custom')
    expect(root).toMatchObject({ name: 'GET /users/:id', level: 'WARNING', metadata: { statusCode: 404 } })
  })

  it('records the answer of a hook that replies before the handler', async () => {
    let handled = false
    const call = await serve(app => {
      app.addHook('onRequest', async (request, reply) => {
        if (request.headers.authorization === undefined) return reply.status(401).send({ who: 'are you' })
      })
      app.get('/private/:id', async () => {
        handled = true
        return {}
      })
    })
    const { status, root } = await call('/private/1')
    expect(status).toBe(401)
    expect(handled).toBe(false)
    expect(root).toMatchObject({ name: 'GET /private/:id', level: 'WARNING', statusMessage: 'HTTP 401' })
  })
})
