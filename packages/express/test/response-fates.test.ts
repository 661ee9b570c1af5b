import { once } from 'node:events'
import { createServer, type Server, ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { langfuseMiddleware } from '@langfuse-middleware/express'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { RequestHandler } from 'express'
import { WebSocket, WebSocketServer } from 'ws'
import { expressVersions } from './express-versions.ts'

const ok: RequestHandler = (_request, response) => {
  response.json({})
}
const never: RequestHandler = () => {}

describe.each(expressVersions)('fates of a response in %s', (_version, express) => {
  let recorder: Recorder
  let server: Server

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
    expect(recorder.tracing.stats()).toMatchObject({ requests: { open: 0 }, buffer: { open: 0, held: 0 } })
    recorder.clear()
  })
  afterAll(() => recorder.close())

  async function serve(define: (app: ReturnType<typeof express>) => void): Promise<number> {
    const app = express()
    app.set('env', 'test')
    app.use(langfuseMiddleware())
    define(app)
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  async function root() {
    return (await recorder.waitFor(trace => trace.root !== undefined)).root
  }

  /** A connection that has sent `text`, and what came back up to its close. */
  async function converse(port: number, text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', chunk => {
      received += chunk
    })
    socket.on('error', () => {})
    socket.write(text)
    await once(socket, 'close')
    return received
  }

  const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`

  it('records a request that the server timed out, without a status', async () => {
    const port = await serve(app => app.get('/never/:id', never))
    server.timeout = 30
    await converse(port, get('/never/1'))
    expect(await root()).toMatchObject({
      name: 'GET /never/:id',
      level: 'ERROR',
      statusMessage: 'timed out',
      metadata: { end: 'timed_out' },
    })
    expect((await root())?.metadata.statusCode).toBeUndefined()
  })

  it('records a stream that the server timed out, with the status that was sent', async () => {
    const port = await serve(app =>
      app.get('/stalls', (_request, response) => {
        response.write('so far')
      }),
    )
    server.timeout = 30
    expect(await converse(port, get('/stalls'))).toContain('so far')
    expect(await root()).toMatchObject({ level: 'ERROR', metadata: { end: 'timed_out', statusCode: 200 } })
  })

  it('does not blame an earlier timeout, which the app answered, for a client that leaves later', async () => {
    const port = await serve(app => {
      app.get('/slow', (_request, response) => {
        response.setTimeout(20, () => {
          response.setTimeout(0)
          response.status(503).end()
        })
      })
      app.get('/never', never)
    })
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    socket.write(get('/slow'))
    const [first] = await once(socket, 'data')
    expect(first).toContain('503')
    expect(await root()).toMatchObject({ metadata: { end: 'completed', statusCode: 503 } })
    recorder.clear()
    socket.write(get('/never'))
    while (recorder.tracing.stats().requests.open === 0) await new Promise(setImmediate)
    socket.destroy()
    expect(await root()).toMatchObject({ name: 'GET /never', metadata: { end: 'client_aborted' } })
  })

  it('records a piped source that breaks as an error, with the status that was sent', async () => {
    const port = await serve(app =>
      app.get('/pipe', (_request, response) => {
        const source = new Readable({ read() {} })
        source.push('so far')
        source.on('error', error => response.destroy(error))
        source.pipe(response)
        setTimeout(() => source.destroy(new Error('the source broke')), 20)
      }),
    )
    await converse(port, get('/pipe'))
    expect(await root()).toMatchObject({ level: 'ERROR', metadata: { end: 'stream_error', statusCode: 200 } })
  })

  it('leaves WebSockets of the same server alone', async () => {
    const port = await serve(app => app.get('/x', ok))
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', socket => socket.on('message', data => socket.send(String(data).toUpperCase())))
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    await once(client, 'open')
    client.send('hello')
    expect(String((await once(client, 'message'))[0])).toBe('HELLO')
    client.close()
    await once(client, 'close')
    sockets.close()
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(200)
    expect((await root())?.name).toBe('GET /x')
    expect(recorder.tracing.stats().requests.open).toBe(0)
  })

  it('ends the trace of an upgrade that went through the app with its socket', async () => {
    const port = await serve(app =>
      app.get('/chat/:room', (request, response) => {
        response.detachSocket(request.socket)
        sockets.handleUpgrade(request, request.socket, Buffer.alloc(0), socket => socket.close())
      }),
    )
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket) => {
      const response = new ServerResponse(request)
      response.assignSocket(socket as never)
      server.emit('request', request, response)
    })
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat/7`)
    await once(client, 'close')
    const ended = await root()
    expect(ended).toMatchObject({ name: 'GET /chat/:room', level: 'DEFAULT', metadata: { end: 'completed' } })
    expect(ended?.metadata.statusCode).toBeUndefined()
  })

  it('does not take a client that only offered an upgrade for one that was upgraded', async () => {
    const port = await serve(app => app.get('/never', never))
    const socket = connect(port, '127.0.0.1')
    socket.write(get('/never', 'connection: upgrade\r\nupgrade: h2c\r\n'))
    while (recorder.tracing.stats().requests.open === 0) await new Promise(setImmediate)
    socket.destroy()
    expect(await root()).toMatchObject({ level: 'WARNING', metadata: { end: 'client_aborted' } })
  })

  it('answers over Expect: 100-continue and on HTTP/1.0', async () => {
    const port = await serve(app => app.post('/x', ok))
    const answer = await converse(
      port,
      'POST /x HTTP/1.0\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi',
    )
    expect(answer).toContain('200 OK')
    expect(await root()).toMatchObject({ name: 'POST /x', metadata: { end: 'completed', statusCode: 200 } })
  })
})
