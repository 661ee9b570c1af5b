import cookie from '@fastify/cookie'
import session from '@fastify/session'
import langfusePlugin, { type LangfusePluginOptions } from '@langfuse-middleware/fastify'
import { type RecordedTrace, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'

let recorder: Recorder
let app: FastifyInstance

beforeEach(() => {
  recorder = recordTraces()
})
afterEach(async () => {
  await app.close()
  await recorder.close()
})

async function serve(
  define: (instance: FastifyInstance) => unknown,
  server: FastifyServerOptions = {},
  options: LangfusePluginOptions = {},
): Promise<void> {
  app = fastify(server)
  await app.register(langfusePlugin, options)
  await define(app)
  app.get('/', async () => ({}))
}

async function lastTrace(): Promise<RecordedTrace> {
  await recorder.waitFor(() => recorder.tracing.stats().requests.open === 0)
  return (await recorder.traces()).at(-1) as RecordedTrace
}

const SPOOFED = { 'x-user-id': 'victim', 'x-session-id': 'theirs' }

it('prefers the user that a hook authenticated to the header', async () => {
  await serve(instance => {
    instance.decorateRequest('user', null)
    instance.addHook('onRequest', async request => {
      Object.assign(request, { user: { sub: 'ada' } })
    })
  })
  await app.inject({ url: '/', headers: SPOOFED })
  expect((await lastTrace()).root?.userId).toBe('ada')
})

it("believes no header about user and session if identity is 'authenticated'", async () => {
  await serve(() => {}, {}, { identity: 'authenticated' })
  await app.inject({ url: '/', headers: SPOOFED })
  expect((await lastTrace()).root).toMatchObject({ userId: undefined, sessionId: undefined })
})

it('counts a session of @fastify/session only if it is saved or came by cookie', async () => {
  await serve(async instance => {
    await instance.register(cookie)
    await instance.register(session, {
      secret: 'a secret of at least thirty-two characters',
      saveUninitialized: false,
      cookie: { secure: false },
    })
    instance.get('/login', async request => {
      request.session.set('user' as never, 'ada' as never)
      return {}
    })
  })
  await app.inject('/')
  expect((await lastTrace()).root?.sessionId).toBeUndefined()

  const { cookies } = await app.inject('/login')
  const saved = (await lastTrace()).root?.sessionId
  expect(saved).toEqual(expect.any(String))

  const { name, value } = cookies[0] as { name: string; value: string }
  await app.inject({ url: '/', cookies: { [name]: value } })
  expect((await lastTrace()).root?.sessionId).toBe(saved)
})

it('takes the request id of the genReqId option', async () => {
  await serve(() => {}, { genReqId: () => 'from-app' })
  const { headers } = await app.inject({ url: '/', headers: { 'x-request-id': 'from-client' } })
  expect((await lastTrace()).root?.metadata.requestId).toBe('from-app')
  expect(headers['x-request-id']).toBe('from-app')
})

it("does not take Fastify's own counter for a request id", async () => {
  await serve(() => {})
  const { headers } = await app.inject('/')
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
})
