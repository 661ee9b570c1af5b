import { type LangfuseMiddlewareOptions, langfuseMiddleware } from '@langfuse-middleware/express'
import { type RecordedTrace, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import cookieSession from 'cookie-session'
import type { Express, RequestHandler } from 'express'
import express from 'express'
import session from 'express-session'
import pinoHttp from 'pino-http'
import request from 'supertest'

let recorder: Recorder

beforeEach(() => {
  recorder = recordTraces()
})
afterEach(() => recorder.close())

function appWith(
  before: RequestHandler[],
  options?: LangfuseMiddlewareOptions,
  after: RequestHandler[] = [],
): Express {
  const app = express()
  app.set('env', 'test')
  app.use(...before, langfuseMiddleware(options), ...after)
  app.get('/', (_request, response) => void response.json({}))
  return app
}

async function lastTrace(): Promise<RecordedTrace> {
  await recorder.waitFor(() => recorder.tracing.stats().requests.open === 0)
  return (await recorder.traces()).at(-1) as RecordedTrace
}

const SPOOFED = { 'x-user-id': 'victim', 'x-session-id': 'theirs' }

describe('the user', () => {
  const authenticate = (left: object): RequestHandler => {
    return (incoming, _response, next) => {
      Object.assign(incoming, left)
      next()
    }
  }

  it.each([
    ['of Passport', { user: { id: 42 } }, '42'],
    ['of a JSON Web Token', { user: { sub: 'ada' } }, 'ada'],
    ['of express-jwt', { auth: { sub: 'ada' } }, 'ada'],
    ['of express-oauth2-jwt-bearer', { auth: { payload: { sub: 'ada' } } }, 'ada'],
    ['that is a name', { user: 'ada' }, 'ada'],
  ])('%s wins over the header, before and behind the middleware', async (_name, left, expected) => {
    for (const app of [appWith([authenticate(left)]), appWith([], {}, [authenticate(left)])]) {
      await request(app).get('/').set(SPOOFED)
      expect((await lastTrace()).root?.userId).toBe(expected)
    }
  })

  it('wins over the header if something read the user before authentication', async () => {
    const readsEarly: RequestHandler = (incoming, _response, next) => {
      void incoming.langfuse.userId
      next()
    }
    await request(appWith([], {}, [readsEarly, authenticate({ user: { id: 'ada' } })]))
      .get('/')
      .set(SPOOFED)
    expect((await lastTrace()).root?.userId).toBe('ada')
  })

  it('is not the one of the header if the authenticated user has no id', async () => {
    await request(appWith([authenticate({ user: { email: 'ada@example.com' } })]))
      .get('/')
      .set(SPOOFED)
    expect((await lastTrace()).root?.userId).toBeUndefined()
  })

  it('is the one of the header if nobody is authenticated', async () => {
    await request(appWith([])).get('/').set(SPOOFED)
    expect((await lastTrace()).root).toMatchObject({ userId: 'victim', sessionId: 'theirs' })
  })

  it("is only the authenticated one if identity is 'authenticated'", async () => {
    await request(appWith([], { identity: 'authenticated' }))
      .get('/')
      .set(SPOOFED)
    const anonymous = (await lastTrace()).root
    expect(anonymous?.userId).toBeUndefined()
    expect(anonymous?.sessionId).toBeUndefined()
    await request(appWith([authenticate({ user: { id: 'ada' } })], { identity: 'authenticated' }))
      .get('/')
      .set({ ...SPOOFED, 'x-request-id': 'given' })
    const { root } = await lastTrace()
    expect(root).toMatchObject({ userId: 'ada' })
    expect(root?.metadata.requestId).toBe('given')
  })
})

describe('the session of express-session', () => {
  const sessions = (saveUninitialized: boolean) => session({ secret: 's', resave: false, saveUninitialized })
  const login: RequestHandler = (incoming, _response, next) => {
    if (incoming.query.login !== undefined) (incoming.session as { user?: string }).user = 'ada'
    next()
  }

  it('is none if it was not saved, as on a health check', async () => {
    const { headers } = await request(appWith([sessions(false)])).get('/')
    expect(headers['set-cookie']).toBeUndefined()
    expect((await lastTrace()).root?.sessionId).toBeUndefined()
  })

  it('counts once it is saved, and when it comes back by cookie', async () => {
    const app = appWith([sessions(false), login])
    const { headers } = await request(app).get('/?login')
    const saved = (await lastTrace()).root?.sessionId as string
    expect(decodeURIComponent(headers['set-cookie']?.[0] as string)).toContain(`s:${saved}.`)
    await request(app)
      .get('/')
      .set('cookie', headers['set-cookie']?.[0]?.split(';')[0] as string)
    expect((await lastTrace()).root?.sessionId).toBe(saved)
  })

  it('counts if every session is saved', async () => {
    await request(appWith([sessions(true)])).get('/')
    expect((await lastTrace()).root?.sessionId).toEqual(expect.any(String))
  })

  it('is an object that the app put there itself, as it is', async () => {
    const own: RequestHandler = (incoming, _response, next) => {
      Object.assign(incoming, { session: { id: 'conversation-1' } })
      next()
    }
    await request(appWith([own])).get('/')
    expect((await lastTrace()).root?.sessionId).toBe('conversation-1')
  })
})

describe('the session of cookie-session', () => {
  const cookies = cookieSession({ name: 'chat', keys: ['k'] })

  it('is not created because of tracing', async () => {
    let created = false
    const watched: RequestHandler = (incoming, _response, next) => {
      const property = Object.getOwnPropertyDescriptor(incoming, 'session') as PropertyDescriptor
      Object.defineProperty(incoming, 'session', {
        ...property,
        get() {
          created ||= !incoming.res?.headersSent
          return property.get?.call(incoming)
        },
      })
      next()
    }
    const read: RequestHandler = (incoming, _response, next) => {
      void incoming.langfuse.sessionId
      next()
    }
    const { headers } = await request(appWith([cookies, watched], {}, [read])).get('/')
    await lastTrace()
    expect(headers['set-cookie']).toBeUndefined()
    expect(created).toBe(false)
  })

  it('is read after the head was written', async () => {
    const login: RequestHandler = (incoming, _response, next) => {
      incoming.session = { id: 'chat-1' } as never
      next()
    }
    await request(appWith([cookies, login])).get('/')
    expect((await lastTrace()).root?.sessionId).toBe('chat-1')
  })
})

describe('the request id', () => {
  const silent = { level: 'silent' } as const

  it.each(['before', 'behind'])(
    'is the one that pino-http gave the request %s the middleware',
    async place => {
      const logger = pinoHttp({ ...silent, genReqId: () => 'from-pino' }) as RequestHandler
      const app = place === 'before' ? appWith([logger]) : appWith([], {}, [logger])
      const { headers } = await request(app).get('/').set('x-request-id', 'from-client')
      expect((await lastTrace()).root?.metadata.requestId).toBe('from-pino')
      expect(headers['x-request-id']).toBe('from-pino')
    },
  )
})
