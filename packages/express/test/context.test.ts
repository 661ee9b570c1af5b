import { AsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { startObservation } from '@langfuse/tracing'
import { currentRequest, safeTrace } from '@langfuse-middleware/core'
import { langfuseErrorHandler, langfuseMiddleware, traceRoute } from '@langfuse-middleware/express'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { ErrorRequestHandler, Request, RequestHandler } from 'express'
import memoizer from 'lru-memoizer'
import { expressVersions } from './express-versions.ts'

const USERS = ['ada', 'grace', 'barbara']

/** A middleware that loads what all requests need once, and continues every request that waits for it from the same callback. */
function sharedSettings(): RequestHandler {
  const load = memoizer<string, object>({
    load: (_key, done) => void setTimeout(() => done(null, {}), 20),
    hash: key => key,
  })
  return (_request, _response, next) => load('settings', error => next(error ?? undefined))
}

const connection = new AsyncResource('pooled connection')
/** A middleware that continues outside of any request. */
const pooled: RequestHandler = (_request, _response, next) => {
  setImmediate(() => connection.runInAsyncScope(next))
}

describe.each(expressVersions)('the context in %s', (version, express) => {
  let recorder: Recorder
  let server: Server
  // From 5.3 on the router reports its calls; below, a second middleware behind the culprit does.
  const again = () => (version === 'Express 5.3' ? [] : [langfuseMiddleware()])

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(async () => {
    server.close()
    recorder.clear()
  })
  afterAll(() => recorder.close())

  async function serve(define: (app: ReturnType<typeof express>) => void): Promise<void> {
    const app = express()
    app.set('env', 'test')
    app.use(langfuseMiddleware())
    define(app)
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
  }

  function call(path: string, user: string): Promise<Response> {
    const { port } = server.address() as AddressInfo
    return fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-user-id': user, 'x-request-id': user } })
  }

  const isOwn = (request: Request) => currentRequest() === request.langfuse

  it('puts the generation of each user in the trace of that user if lru-memoizer continues all of them', async () => {
    await serve(app => {
      app.use(sharedSettings(), ...again())
      app.get('/chat', (request, response) => {
        startObservation('answer', { model: 'gpt-5' }, { asType: 'generation' }).end()
        response.json({ own: isOwn(request) })
      })
    })
    const answers = await Promise.all(USERS.map(async user => (await call('/chat', user)).json()))
    expect(answers).toEqual(USERS.map(() => ({ own: true })))
    for (const user of USERS) {
      const trace = await recorder.waitFor(one => one.root?.metadata.requestId === user)
      expect(trace.observations.map(({ name, userId }) => [name, userId])).toEqual(
        expect.arrayContaining([
          ['GET /chat', user],
          ['answer', user],
        ]),
      )
      expect(trace.observations).toHaveLength(2)
    }
    expect(await recorder.traces()).toHaveLength(3)
  })

  it('is right in every kind of function that Express calls after a callback of a pool', async () => {
    const seen: [string, boolean][] = []
    const note = (what: string): RequestHandler => {
      return (request, _response, next) => {
        seen.push([what, isOwn(request)])
        next()
      }
    }
    const noteError: ErrorRequestHandler = (error, request, _response, next) => {
      seen.push(['error handler', isOwn(request)])
      next(error)
    }
    await serve(app => {
      const router = express.Router()
      router.param('id', (request, _response, next) => {
        seen.push(['param', isOwn(request)])
        next()
      })
      router.use(note('router'))
      router.get('/:id', pooled, ...again(), note('route'), (request, response, next) => {
        Readable.from(['chunk']).on('data', () => seen.push(['stream', isOwn(request)]))
        response.on('finish', () => seen.push(['finish', isOwn(request)]))
        setImmediate(() => {
          seen.push(['immediate', isOwn(request)])
          connection.runInAsyncScope(() => next(new Error('from the pool')))
        })
      })
      app.use(pooled, ...again(), note('app'))
      app.use('/items', router)
      app.use(langfuseErrorHandler(), noteError)
      app.use(((_error, request, response, _next) => {
        seen.push(['last error handler', isOwn(request)])
        response.status(500).end()
      }) as ErrorRequestHandler)
    })
    const response = await call('/items/1', 'ada')
    await response.text()
    const { root } = await recorder.waitFor(one => one.root?.metadata.requestId === 'ada')
    expect(root?.statusMessage).toBe('Error: from the pool')
    const expected = [
      'app',
      'router',
      'param',
      'route',
      'stream',
      'immediate',
      'error handler',
      'last error handler',
      'finish',
    ]
    expect(seen.map(([what]) => what).sort()).toEqual(expected.toSorted())
    expect(seen.filter(([, own]) => !own)).toEqual([])
  })

  it('keeps an observation active that a middleware opened around next()', async () => {
    await serve(app => {
      app.use((_request, _response, next) => safeTrace('around', () => next()))
      app.use(langfuseMiddleware(), traceRoute())
      app.get('/', (_request, response) => {
        safeTrace('within', () => {})
        response.end()
      })
    })
    await call('/', 'ada')
    const { root } = await recorder.waitFor(one => one.root?.metadata.requestId === 'ada')
    expect(root?.children.map(child => [child.name, child.children.map(({ name }) => name)])).toEqual([
      ['around', ['within']],
    ])
  })

  it('does not stay behind in the callback that continued a request', async () => {
    let after: unknown = 'not called'
    await serve(app => {
      app.use(
        (_request, _response, next) => {
          setImmediate(() =>
            connection.runInAsyncScope(() => {
              next()
              after = currentRequest()
            }),
          )
        },
        ...again(),
      )
      app.get('/', (_request, response) => void response.end())
    })
    await call('/', 'ada')
    expect(after).toBeUndefined()
  })
})
