import { once } from 'node:events'
import { createServer } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import websocket from '@fastify/websocket'
import { safeTrace } from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import { fastifyVersions } from './fastify-versions.ts'
import { type TracedApp, tracedApp } from './traced-app.ts'

describe.each(fastifyVersions)('fates of a response in %s', (version, fastify) => {
  let recorder: Recorder
  let traced: TracedApp

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(async () => {
    await traced.app.close()
    expect(recorder.tracing.stats()).toMatchObject({ requests: { open: 0 }, buffer: { open: 0, held: 0 } })
    recorder.clear()
  })
  afterAll(() => recorder.close())

  async function serve(
    define: (app: FastifyInstance) => unknown,
    server?: Parameters<typeof tracedApp>[3],
  ): Promise<TracedApp> {
    traced = await tracedApp(fastify, recorder, define, server)
    return traced
  }

  async function root() {
    return (await recorder.waitFor(trace => trace.root !== undefined)).root
  }

  async function untilOpen(): Promise<void> {
    while (recorder.tracing.stats().requests.open === 0) await delay(1)
  }

  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`

  /** Sends `text` and returns what came back up to the close. */
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

  it('takes an injected request for one that completed', async () => {
    const { app } = await serve(one => one.get('/x/:id', async () => ({ ok: true })))
    expect((await app.inject('/x/1')).statusCode).toBe(200)
    expect(await root()).toMatchObject({
      name: 'GET /x/:id',
      level: 'DEFAULT',
      metadata: { end: 'completed', statusCode: 200, responseBytes: 11 },
    })
  })

  describe('streams', () => {
    it('ends with the last byte of a stream that the reply was given', async () => {
      const { call } = await serve(app =>
        app.get('/stream', (_request, reply) => {
          void reply.send(
            Readable.from(
              (async function* () {
                yield 'one '
                await delay(30)
                yield 'two'
              })(),
            ),
          )
        }),
      )
      const { text, root: ended } = await call('/stream')
      expect(text).toBe('one two')
      expect(ended).toMatchObject({ level: 'DEFAULT', metadata: { end: 'completed', statusCode: 200 } })
      expect(ended.durationMs).toBeGreaterThanOrEqual(25)
    })

    it('records a stream that breaks before its first byte as a failed answer', async () => {
      const { call } = await serve(app =>
        app.get('/stream', (_request, reply) => {
          const source = new Readable({ read() {} })
          void reply.send(source)
          setImmediate(() => source.destroy(new Error('nothing to send')))
        }),
      )
      const { status, root: ended } = await call('/stream')
      expect(status).toBe(500)
      expect(ended).toMatchObject({ level: 'ERROR', metadata: { end: 'completed', statusCode: 500 } })
    })

    it('records a stream that breaks after its first byte as broken, with the status that was sent', async () => {
      const { port } = await serve(app =>
        app.get('/stream', (_request, reply) => {
          const source = new Readable({ read() {} })
          source.push('so far')
          void reply.send(source)
          setTimeout(() => source.destroy(new Error('the source broke')), 30)
        }),
      )
      expect(await converse(port, get('/stream'))).toContain('so far')
      expect(await root()).toMatchObject({
        level: 'ERROR',
        statusMessage: 'Error: the source broke',
        metadata: { end: 'stream_error', statusCode: 200 },
      })
    })

    it('records a client that leaves in the middle of a stream', async () => {
      const { port } = await serve(app =>
        app.get('/stream', (_request, reply) => {
          const source = new Readable({ read() {} })
          source.push('so far')
          void reply.send(source)
        }),
      )
      const socket = connect(port, '127.0.0.1')
      socket.write(get('/stream'))
      await once(socket, 'data')
      socket.destroy()
      expect(await root()).toMatchObject({
        level: 'WARNING',
        metadata: { end: 'client_aborted', statusCode: 200 },
      })
    })
  })

  describe('a hijacked reply', () => {
    it('ends with the response that the app writes itself', async () => {
      const { call } = await serve(app =>
        app.get('/hijack/:id', (_request, reply) => {
          reply.hijack()
          reply.raw.writeHead(202)
          setTimeout(() => reply.raw.end('by hand'), 10)
        }),
      )
      const { status, root: ended } = await call('/hijack/1')
      expect(status).toBe(202)
      expect(ended).toMatchObject({
        name: 'GET /hijack/:id',
        metadata: { end: 'completed', statusCode: 202 },
      })
    })

    it('ends when its client leaves', async () => {
      const { port } = await serve(app =>
        app.get('/hijack', (_request, reply) => {
          reply.hijack()
        }),
      )
      const socket = connect(port, '127.0.0.1')
      socket.write(get('/hijack'))
      await untilOpen()
      socket.destroy()
      expect(await root()).toMatchObject({ level: 'WARNING', metadata: { end: 'client_aborted' } })
    })
  })

  describe('timeouts', () => {
    it('records a connection that Fastify timed out, without a status', async () => {
      const { port } = await serve(
        app =>
          app.get('/never/:id', (_request, reply) => {
            reply.hijack()
          }),
        { server: { connectionTimeout: 50 } },
      )
      await converse(port, get('/never/1'))
      expect(await root()).toMatchObject({
        name: 'GET /never/:id',
        level: 'ERROR',
        statusMessage: 'timed out',
        metadata: { end: 'timed_out' },
      })
      expect((await root())?.metadata.statusCode).toBeUndefined()
    })

    it('records a request whose body did not come in time', async () => {
      const timeouts = { requestTimeout: 50, headersTimeout: 50, connectionsCheckingInterval: 20 }
      const { port } = await serve(one => one.post('/x', async () => ({})), {
        server: { serverFactory: handler => createServer(timeouts, handler) },
      })
      const head =
        'POST /x HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n'
      await converse(port, `${head}{"a`)
      expect(await root()).toMatchObject({
        name: 'POST /x',
        level: 'ERROR',
        metadata: { end: 'timed_out' },
      })
    })

    const itWithHandlerTimeout = version === 'Fastify 5' ? it : () => {}
    itWithHandlerTimeout(
      'records a handler that Fastify timed out as the failed answer that it is',
      async () => {
        const { call } = await serve(app =>
          app.get('/slow', { handlerTimeout: 20 } as object, async request => {
            await once((request as unknown as { signal: AbortSignal }).signal, 'abort')
            return {}
          }),
        )
        const { status, root: ended } = await call('/slow')
        expect(status).toBe(503)
        expect(ended).toMatchObject({ name: 'GET /slow', level: 'ERROR', metadata: { statusCode: 503 } })
        expect(ended.statusMessage).toMatch(/timed out/i)
      },
    )
  })

  describe('HTTP/2', () => {
    let client: ClientHttp2Session

    afterEach(() => client.destroy())

    async function serveHttp2(define: (app: FastifyInstance) => unknown): Promise<void> {
      const { port } = await serve(define, { server: { http2: true } })
      client = connectHttp2(`http://127.0.0.1:${port}`)
      client.on('error', () => {})
    }

    const stalling = (app: FastifyInstance) => {
      app.get('/never/:id', (_request, reply) => {
        reply.hijack()
      })
      app.get('/stream/:id', (_request, reply) => {
        const source = new Readable({ read() {} })
        source.push('so far')
        void reply.send(source)
      })
    }

    it('records requests that complete, several at a time', async () => {
      await serveHttp2(app => app.get('/x/:id', async () => safeTrace('child', async () => ({ ok: true }))))
      const streams = ['1', '2', '3'].map(id =>
        client.request({ ':path': `/x/${id}`, 'x-user-id': id }).resume(),
      )
      await Promise.all(streams.map(stream => once(stream, 'close')))
      await recorder.waitFor(() => recorder.tracing.stats().requests.open === 0)
      const traces = await recorder.traces()
      expect(traces.map(trace => trace.root?.userId).sort()).toEqual(['1', '2', '3'])
      for (const { root: ended } of traces) {
        expect(ended).toMatchObject({
          name: 'GET /x/:id',
          level: 'DEFAULT',
          metadata: { end: 'completed', statusCode: 200, responseBytes: 11 },
        })
        expect(ended?.children).toHaveLength(1)
      }
    })

    it('records a stream that the client reset before any header, without a status', async () => {
      await serveHttp2(stalling)
      const stream = client.request({ ':path': '/never/1' })
      stream.on('error', () => {})
      await untilOpen()
      stream.close(constants.NGHTTP2_CANCEL)
      expect(await root()).toMatchObject({ name: 'GET /never/:id', metadata: { end: 'client_aborted' } })
      expect((await root())?.metadata.statusCode).toBeUndefined()
      expect((await root())?.level).toBe('WARNING')
    })

    it.each(['NGHTTP2_CANCEL', 'NGHTTP2_INTERNAL_ERROR'] as const)(
      'records a stream that the client reset in the middle with %s',
      async code => {
        await serveHttp2(stalling)
        const stream = client.request({ ':path': '/stream/1' })
        stream.on('error', () => {})
        await once(stream, 'data')
        stream.close(constants[code])
        expect(await root()).toMatchObject({
          name: 'GET /stream/:id',
          metadata: { end: 'client_aborted', statusCode: 200 },
        })
      },
    )

    it('records every stream of a session that the client destroyed', async () => {
      await serveHttp2(stalling)
      const streams = ['/stream/1', '/never/2', '/stream/3'].map(path => client.request({ ':path': path }))
      for (const stream of streams) stream.on('error', () => {})
      await Promise.all([once(streams[0]!, 'data'), once(streams[2]!, 'data')])
      client.destroy()
      await recorder.waitFor(() => recorder.tracing.stats().requests.open === 0)
      const ends = (await recorder.traces()).map(trace => [trace.root?.name, trace.root?.metadata.end])
      expect(ends.sort()).toEqual([
        ['GET /never/:id', 'client_aborted'],
        ['GET /stream/:id', 'client_aborted'],
        ['GET /stream/:id', 'client_aborted'],
      ])
    })

    it('records a stream whose source broke as broken', async () => {
      await serveHttp2(app =>
        app.get('/broken', (_request, reply) => {
          const source = new Readable({ read() {} })
          source.push('so far')
          void reply.send(source)
          setTimeout(() => source.destroy(new Error('the source broke')), 30)
        }),
      )
      const stream = client.request({ ':path': '/broken' }).resume()
      stream.on('error', () => {})
      await once(stream, 'close')
      expect(await root()).toMatchObject({
        level: 'ERROR',
        statusMessage: 'Error: the source broke',
        metadata: { end: 'stream_error', statusCode: 200 },
      })
    })
  })

  // @fastify/websocket 11 is for Fastify 5.
  const describeWebSocket = version === 'Fastify 5' ? describe : () => {}
  describeWebSocket('a WebSocket', () => {
    const echo = async (app: FastifyInstance) => {
      await app.register(websocket)
      app.get('/chat/:room', { websocket: true }, socket => {
        socket.on('message', (data: Buffer) => socket.send(String(data).toUpperCase()))
      })
    }

    it('is one trace that ends with it', async () => {
      const { port } = await serve(echo)
      const client = new WebSocket(`ws://127.0.0.1:${port}/chat/7`)
      await once(client, 'open')
      client.send('hello')
      expect(String((await once(client, 'message'))[0])).toBe('HELLO')
      expect(recorder.tracing.stats().requests.open).toBe(1)
      client.close()
      const ended = await root()
      expect(ended).toMatchObject({
        name: 'GET /chat/:room',
        level: 'DEFAULT',
        metadata: { end: 'completed' },
      })
      expect(ended?.metadata.statusCode).toBeUndefined()
      expect(await recorder.traces()).toHaveLength(1)
    })

    it('ends when its client vanishes', async () => {
      const { port } = await serve(echo)
      const client = new WebSocket(`ws://127.0.0.1:${port}/chat/7`)
      await once(client, 'open')
      client.terminate()
      expect((await root())?.name).toBe('GET /chat/:room')
    })

    it('is a plain answer where it was refused', async () => {
      const { port } = await serve(async app => {
        await echo(app)
        app.addHook('preValidation', async (_request, reply) => reply.status(401).send({}))
      })
      const client = new WebSocket(`ws://127.0.0.1:${port}/chat/7`)
      client.on('error', () => {})
      await new Promise(resolve => client.once('close', resolve))
      expect(await root()).toMatchObject({
        level: 'WARNING',
        metadata: { end: 'completed', statusCode: 401 },
      })
    })

    it('ends when it was injected, too', async () => {
      const { app } = await serve(echo)
      const client = await app.injectWS('/chat/7')
      client.terminate()
      expect((await root())?.name).toBe('GET /chat/:room')
    })
  })
})
