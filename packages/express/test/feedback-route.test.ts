import { getTracing, initTracing } from '@langfuse-middleware/core'
import { feedbackRoute, langfuseMiddleware } from '@langfuse-middleware/express'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import express5, { type Express } from 'express'
import request from 'supertest'
import { expressVersions } from './express-versions.ts'

const warn = jest.fn()
const TRACE = '0af7651916cd43dd8448eb211c80319c'
let installed = true

jest.mock('express-rate-limit', () => {
  if (installed) return jest.requireActual('express-rate-limit')
  throw Object.assign(new Error("Cannot find module 'express-rate-limit'"), { code: 'MODULE_NOT_FOUND' })
})

describe.each(expressVersions)('feedbackRoute in %s', (_version, express) => {
  let langfuse: Inspector

  beforeAll(async () => {
    langfuse = await startInspector({ port: 0, settleMs: 0 })
    initTracing({
      baseUrl: langfuse.url,
      publicKey: 'pk-lf',
      secretKey: 'sk-lf',
      logger: { info() {}, warn, error() {} },
      shutdown: { signals: false },
    })
  })
  beforeEach(() => {
    installed = true
    warn.mockClear()
    jest.resetModules()
  })
  afterAll(async () => {
    await getTracing()?.shutdown()
    await langfuse.close()
  })

  function appWith(options: Partial<Parameters<typeof feedbackRoute>[0]> = {}) {
    const app = express()
    app.use(langfuseMiddleware())
    app.post('/chat', (_request, response) => {
      response.json({})
    })
    const route = feedbackRoute({ names: ['helpful', 'rating', 'reason'], ...options })
    app.post('/feedback', express.json(), route)
    return app
  }

  const give = (app: Express, feedback: unknown) =>
    request(app)
      .post('/feedback')
      .send(feedback as object)

  it('gives one id to the score of a trace, in whatever letters its id comes', async () => {
    const app = appWith()
    const answers = await Promise.all(
      [TRACE, TRACE.toUpperCase()].map(traceId => give(app, { traceId, name: 'helpful', value: true })),
    )
    expect(answers.map(({ body }) => body.id)).toEqual([`${TRACE}-helpful`, `${TRACE}-helpful`])
  })

  it('warns of a proxy that the app does not trust', async () => {
    for (const trusts of [true, false]) {
      const app = appWith()
      if (trusts) app.set('trust proxy', 1)
      await request(app)
        .post('/feedback')
        .set('x-forwarded-for', '192.0.2.1')
        .send({ traceId: TRACE, name: 'helpful', value: 1 })
      const lines = warn.mock.calls.filter(([line]) => String(line).includes('behind the proxy'))
      // Once in a process, whichever version of Express is first.
      expect(lines.length).toBeLessThanOrEqual(trusts ? 0 : 1)
    }
    expect(getTracing()?.stats().warnings['feedback proxy']).toBeGreaterThan(0)
  })

  it('shows what a user thinks of an answer with its trace', async () => {
    const app = appWith()
    const { headers } = await request(app).post('/chat')
    const traceId = headers['x-langfuse-trace-id']!
    for (const feedback of [
      { traceId, name: 'helpful', value: false },
      { traceId, name: 'rating', value: 4, comment: 'nearly' },
      { traceId, name: 'reason', value: 'too long', comment: null },
      // A second click, and a change of mind.
      { traceId, name: 'helpful', value: true },
    ]) {
      const { status, body } = await give(app, feedback)
      expect([status, body]).toEqual([202, { id: `${traceId}-${feedback.name}` }])
    }
    await getTracing()!.flush()
    const trace = await langfuse.waitForTrace(one => one.id === traceId && one.scores.length === 3)
    expect(trace.scores.map(({ name, value }) => [name, value]).sort()).toEqual([
      ['helpful', 1],
      ['rating', 4],
      ['reason', 'too long'],
    ])
    expect(langfuse.traces().map(({ name }) => name)).not.toContain('POST /feedback')
  })

  it.each<[string, unknown]>([
    ['a trace id that is none', { traceId: 'trace', name: 'helpful', value: 1 }],
    ['a trace id in a list', { traceId: [TRACE], name: 'helpful', value: 1 }],
    ['a name that is not listed', { traceId: TRACE, name: 'cost', value: 1 }],
    ['a name that objects inherit', { traceId: TRACE, name: 'constructor', value: 1 }],
    ['a name in a list', { traceId: TRACE, name: ['helpful'], value: 1 }],
    ['no value', { traceId: TRACE, name: 'helpful' }],
    ['a value in an object', { traceId: TRACE, name: 'helpful', value: { $gt: 0 } }],
    ['an empty value', { traceId: TRACE, name: 'helpful', value: '' }],
    ['a huge comment', { traceId: TRACE, name: 'helpful', value: 1, comment: 'x'.repeat(2_001) }],
    ['a comment that is not text', { traceId: TRACE, name: 'helpful', value: 1, comment: ['x'] }],
    ['a list', [{ traceId: TRACE, name: 'helpful', value: 1 }]],
  ])('answers 400 to %s', async (_name, feedback) => {
    const { accepted } = getTracing()!.stats().scores!.delivery!
    const { status, body } = await give(appWith(), feedback)
    expect([status, body]).toEqual([400, { error: expect.any(String) }])
    expect(getTracing()!.stats().scores).toMatchObject({ unfit: 0, delivery: { accepted } })
  })

  it('answers 400 to what is only inherited, and to a body that nobody parsed', async () => {
    const polluting = `{"__proto__":{"traceId":"${TRACE}","name":"helpful","value":1}}`
    const post = (app: Express) =>
      request(app).post('/feedback').set('content-type', 'application/json').send(polluting)
    expect((await post(appWith())).status).toBe(400)
    const unparsed = express()
    unparsed.post('/feedback', feedbackRoute({ names: ['helpful'] }))
    expect((await post(unparsed)).status).toBe(400)
    expect(({} as Record<string, unknown>).name).toBeUndefined()
  })

  it('gives each score the id that the app makes of it', async () => {
    const app = appWith({ id: ({ name, value }) => (value === 0 ? (undefined as never) : `${name} by ada`) })
    const feedback = { traceId: TRACE, name: 'rating', value: 3 }
    expect((await give(app, feedback)).body).toEqual({ id: 'rating by ada' })
    expect((await give(app, { ...feedback, value: 0 })).body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  it('answers 429 to a client that sends too much, where the limiter is installed', async () => {
    const app = appWith({ rateLimit: { max: 2 } })
    const feedback = { traceId: TRACE, name: 'helpful', value: true }
    const answers = [await give(app, feedback), await give(app, feedback), await give(app, feedback)]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429])
    expect(answers[2]!.body).toEqual({ error: 'too many requests' })
    expect(Number(answers[2]!.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('limits nobody where that is not wanted', async () => {
    const app = appWith({ rateLimit: false })
    for (let count = 0; count < 40; count++) {
      expect((await give(app, { traceId: TRACE, name: 'helpful', value: true })).status).toBe(202)
    }
    expect(warn).not.toHaveBeenCalled()
  })

  it('says at the start that no limiter is installed, and goes without', async () => {
    installed = false
    const app = appWith({ rateLimit: { max: 1 } })
    const causes = getTracing()!.stats().warnings
    expect(causes['feedback limiter']).toBe(1)
    expect(warn.mock.calls).toEqual([[expect.stringContaining('npm install express-rate-limit')]])
    for (let count = 0; count < 3; count++) {
      expect((await give(app, { traceId: TRACE, name: 'helpful', value: true })).status).toBe(202)
    }
    appWith()
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it.each<[string, unknown]>([
    ['feedbackRoute.names must be a list of score names', {}],
    ['feedbackRoute.names must be a list of score names', { names: [] }],
    ['feedbackRoute.names must be a list of score names', { names: ['a', 5] }],
    ['feedbackRoute has no "nmes"', { names: ['a'], nmes: 1 }],
    ['rateLimit must be an object', { names: ['a'], rateLimit: true }],
    ['rateLimit.max must be a number of at least 1', { names: ['a'], rateLimit: { max: 0 } }],
    ['id must be a function', { names: ['a'], id: 'x' }],
  ])('throws at the start: %s', (message, options) => {
    expect(() => feedbackRoute(options as never)).toThrow(message)
  })
})

it('answers as ever while tracing is off', async () => {
  expect(getTracing()).toBeUndefined()
  const app = express5()
  app.post('/feedback', express5.json(), feedbackRoute({ names: ['helpful'], rateLimit: false }))
  const feedback = { traceId: TRACE, name: 'helpful', value: true }
  expect((await request(app).post('/feedback').send(feedback)).status).toBe(202)
})
