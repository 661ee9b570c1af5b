import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { configure as codegenie } from '@codegenie/serverless-express'
import { langfuseMiddleware } from '@langfuse-middleware/express'
import { type RecordedObservation, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { configure as vendia } from '@vendia/serverless-express'
import { Server as EngineServer } from 'engine.io'
import type { RequestHandler } from 'express'
import { createMocks } from 'node-mocks-http'
import serverlessHttp4 from 'serverless-http'
import serverlessHttp3 from 'serverless-http3'
import { WebSocket } from 'ws'
import { expressVersions } from './express-versions.ts'

/** An event of API Gateway's HTTP API, as a Lambda function gets it. */
const event = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/items/1',
  rawQueryString: '',
  headers: { 'x-request-id': 'from-lambda', host: 'example.com' },
  requestContext: { http: { method: 'GET', path: '/items/1', sourceIp: '127.0.0.1' }, stage: '$default' },
  isBase64Encoded: false,
}
type Handler = (event: unknown, context: unknown) => Promise<{ statusCode: number; body: string }>

describe.each(expressVersions)("requests that are not Node's in %s", (_version, express) => {
  let recorder: Recorder
  let warnings: string[]

  beforeEach(() => {
    warnings = []
    recorder = recordTraces({ logger: { info() {}, warn: line => warnings.push(line), error() {} } })
  })
  afterEach(() => recorder.close())

  function application() {
    const app = express()
    app.set('env', 'test')
    app.use(langfuseMiddleware())
    app.get('/items/:id', (request, response) => void response.status(201).json({ id: request.params.id }))
    return app
  }

  async function rootOf(id: string): Promise<RecordedObservation> {
    const { root } = await recorder.waitFor(one => one.root?.metadata.requestId === id)
    expect(recorder.tracing.stats().requests.open).toBe(0)
    return root as RecordedObservation
  }

  it.each([
    ['@codegenie/serverless-express', (app: object) => codegenie({ app } as never)],
    ['@vendia/serverless-express', (app: object) => vendia({ app } as never)],
    ['serverless-http 3', (app: object) => serverlessHttp3(app as never)],
    ['serverless-http 4', (app: object) => serverlessHttp4(app as never)],
  ])('are answered and traced behind %s', async (_name, wrap) => {
    const handler = wrap(application()) as unknown as Handler
    const { statusCode, body } = await handler(event, {})
    expect({ statusCode, body }).toEqual({ statusCode: 201, body: '{"id":"1"}' })
    const root = await rootOf('from-lambda')
    expect(root.name).toBe('GET /items/:id')
    expect(root.metadata).toMatchObject({ statusCode: 201, end: 'completed' })
    expect(warnings).toEqual([])
  })

  it('are answered and traced if node-mocks-http makes them', async () => {
    const { req, res } = createMocks({
      method: 'GET',
      url: '/items/1',
      headers: { 'x-request-id': 'mocked' },
    })
    const calls: unknown[][] = []
    const middleware = langfuseMiddleware()
    middleware(req as never, res as never, (...args) => void calls.push(args))
    expect(calls).toEqual([[]])
    res.status(202).json({ ok: true })
    expect({ status: res.statusCode, body: res._getJSONData() }).toEqual({ status: 202, body: { ok: true } })
    expect((await rootOf('mocked')).metadata).toMatchObject({ statusCode: 202, end: 'completed' })
    expect(warnings).toEqual([])
  })

  it('are traced until the socket closes if they are WebSockets of engine.io', async () => {
    const engine = new EngineServer({ transports: ['websocket', 'polling'] })
    engine.use(langfuseMiddleware() as never)
    const server = createServer().listen(0, '127.0.0.1')
    engine.attach(server, { path: '/engine.io' })
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo

    const polled = await fetch(`http://127.0.0.1:${port}/engine.io/?EIO=4&transport=polling`, {
      headers: { 'x-request-id': 'polling' },
    })
    expect(polled.status).toBe(200)
    await polled.text()
    expect((await rootOf('polling')).metadata).toMatchObject({ statusCode: 200, end: 'completed' })

    const socket = new WebSocket(`ws://127.0.0.1:${port}/engine.io/?EIO=4&transport=websocket`, {
      headers: { 'x-request-id': 'websocket' },
    })
    const [handshake] = await once(socket, 'message')
    expect(String(handshake)).toContain('"sid"')
    socket.close()
    expect((await rootOf('websocket')).metadata).toMatchObject({ end: 'completed' })
    expect(warnings).toEqual([])
    engine.close()
    server.close()
    server.closeAllConnections()
  })

  // Each of these lacks something that Node's have.
  const lacking: [string, () => [object, object]][] = [
    ['everything', () => [{}, {}]],
    ['a socket', () => [{ method: 'GET', url: '/', headers: {} }, { end() {} }]],
    [
      'headers',
      () => [
        { method: 'GET', url: '/', socket: {} },
        { end() {}, on() {}, writeHead() {} },
      ],
    ],
    [
      'events',
      () => [
        { method: 'GET', url: '/', headers: {}, socket: {} },
        { end() {}, writeHead() {} },
      ],
    ],
    [
      'a way to set headers',
      () => [
        { method: 'GET', url: '/', headers: { origin: 'https://a.example' } },
        { end() {}, writeHead() {} },
      ],
    ],
    [
      'a way to be changed',
      () => [
        Object.freeze({ method: 'GET', url: '/', headers: {} }),
        Object.freeze({ end() {}, writeHead() {} }),
      ],
    ],
    [
      'properties that can be read',
      () => [
        throwing(['socket', 'headers', 'url']),
        throwing(['writeHead', 'on', 'end', 'headersSent', 'writableFinished']),
      ],
    ],
  ]

  function throwing(names: readonly string[]): object {
    const thrower = {
      get() {
        throw new Error('not readable')
      },
    }
    return Object.defineProperties({}, Object.fromEntries(names.map(name => [name, thrower])))
  }

  it.each(lacking)('go on if they lack %s', (_what, make) => {
    const [request, response] = make() as [IncomingMessage, ServerResponse & { end(): void }]
    const calls: unknown[][] = []
    const middleware = langfuseMiddleware() as unknown as (...args: unknown[]) => void
    middleware(request, response, (...args: unknown[]) => {
      calls.push(args)
      try {
        response.writeHead(200)
        response.end()
      } catch (error) {
        // Of the stand-in itself.
        if (!/not (readable|a function)/.test(String(error))) throw error
      }
    })
    expect(calls).toEqual([[]])
    expect(warnings.length).toBeLessThanOrEqual(1)
  })

  it('ends the root at once if the client left before the middleware ran', async () => {
    const app = express()
    let arrived: () => void = () => {}
    const waiting = new Promise<void>(resolve => {
      arrived = resolve
    })
    const slowSession: RequestHandler = (request, _response, next) => {
      arrived()
      request.socket.once('close', () => setImmediate(next))
    }
    app.use(slowSession, langfuseMiddleware())
    let handled = false
    app.get('/items/:id', (_request, response) => {
      handled = true
      response.json({})
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('GET /items/1 HTTP/1.1\r\nhost: a\r\nx-request-id: gone\r\n\r\n')
    await waiting
    socket.destroy()
    const root = await rootOf('gone')
    expect(root.metadata).toMatchObject({ end: 'client_aborted' })
    expect(root.metadata.statusCode).toBeUndefined()
    expect(handled).toBe(true)
    server.close()
  })

  it('ends the root at once if the response was over before the middleware ran', async () => {
    const app = express()
    const answersItself: RequestHandler = (_request, response, next) => {
      response.status(204).end()
      response.once('close', () => setImmediate(next))
    }
    app.use(answersItself, langfuseMiddleware(), ((_request, _response, _next) => {}) as RequestHandler)
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const outgoing = httpRequest({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      headers: { 'x-request-id': 'over' },
    }).end()
    await once(outgoing, 'response')
    expect((await rootOf('over')).metadata).toMatchObject({ statusCode: 204, end: 'completed' })
    server.close()
    server.closeAllConnections()
  })
})
