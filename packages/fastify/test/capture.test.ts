import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { Readable, Transform } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import compress from '@fastify/compress'
import multipart from '@fastify/multipart'
import type { LangfusePluginOptions } from '@langfuse-middleware/fastify'
import { type RecordedObservation, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { FastifyInstance } from 'fastify'
import { fastifyVersions } from './fastify-versions.ts'
import { type TracedApp, tracedApp } from './traced-app.ts'

const ALL: LangfusePluginOptions = { capture: { requestBody: true, responseBody: true } }
const delta = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`

describe.each(fastifyVersions)('capture in %s', (version, fastify) => {
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

  async function serve(
    define: (app: FastifyInstance) => unknown,
    options: NonNullable<Parameters<typeof tracedApp>[3]> = { options: ALL },
  ): Promise<TracedApp> {
    traced = await tracedApp(fastify, recorder, define, options)
    return traced
  }

  async function rootOf(name: string): Promise<RecordedObservation> {
    return (await recorder.waitFor(trace => trace.root?.name === name)).root as RecordedObservation
  }

  const json = (body: string): RequestInit => ({
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })

  it('shows the parsed body as input and the answer as output, without what they keep secret', async () => {
    const { call } = await serve(app => {
      app.post('/chat', async () => ({ role: 'assistant', content: 'hello', session_token: 'abc' }))
    })
    const said = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }
    const { root } = await call('/chat', json(JSON.stringify({ ...said, api_key: 'sk-1' })))
    expect(root).toMatchObject({
      input: { ...said, api_key: '[redacted]' },
      output: { role: 'assistant', content: 'hello', session_token: '[redacted]' },
      metadata: { path: '/chat', statusCode: 200 },
    })
  })

  it('captures of a route what the route asks for, and nothing of the others', async () => {
    const { call } = await serve(app => {
      const config = { langfuse: { capture: { responseBody: ['answer'] } } }
      app.get('/shown', { config }, async () => ({ answer: 42 }))
      app.get('/asked', async request => {
        request.langfuse.configure({ capture: { responseBody: true } })
        return { answer: 42 }
      })
      app.get('/hidden', async () => ({ answer: 42 }))
    }, {})
    expect((await call('/shown')).root.output).toBe(42)
    expect((await call('/asked')).root.output).toEqual({ answer: 42 })
    expect((await call('/hidden')).root.output).toEqual({ statusCode: 200 })
  })

  it('refuses a route that captures what there is not', async () => {
    await serve(() => {})
    const app = fastify()
    await app.register((await import('@langfuse-middleware/fastify')).default)
    const config = { langfuse: { capture: { body: true } as never } }
    expect(() => app.get('/', { config }, async () => ({}))).toThrow('capture has no "body"')
  })

  it('shows nothing of a body that cannot be parsed, and the error that is answered', async () => {
    const { call } = await serve(app => app.post('/', async () => ({})))
    const { root } = await call('/', json('{"password": "hunter2"'))
    expect(root.input).toEqual({ method: 'POST', path: '/' })
    expect(root.output).toMatchObject({ statusCode: 400, error: 'Bad Request' })
    const polluting = await call('/', json('{"__proto__": {"polluted": true}}'))
    expect(polluting.status).toBe(400)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it.each<[string, () => unknown, unknown]>([
    ['a text', () => 'hello', 'hello'],
    ['a buffer', () => Buffer.from('hello'), 'hello'],
    ['a stream', () => Readable.from([Buffer.from('hel'), 'lo']), 'hello'],
    ['an empty stream', () => Readable.from([]), { statusCode: 200 }],
  ])('shows what was sent as %s', async (_kind, payload, output) => {
    const { call } = await serve(app =>
      app.get('/', (_request, reply) => {
        reply.type('text/plain').send(payload())
      }),
    )
    const { text, root } = await call('/')
    expect(text).toBe(typeof output === 'string' ? output : '')
    expect(root.output).toEqual(output)
  })

  it('shows no body of an answer to HEAD, or of one that has none', async () => {
    const { call } = await serve(app => {
      app.head('/', (_request, reply) => {
        reply.type('text/plain').send('hello')
      })
      app.get('/none', (_request, reply) => {
        reply.code(204).send()
      })
      app.get('/image', (_request, reply) => {
        reply.type('image/png').send(Readable.from([Buffer.from('secret')]))
      })
    })
    expect((await call('/', { method: 'HEAD' })).root.output).toEqual({ statusCode: 200 })
    expect((await call('/none')).root.output).toEqual({ statusCode: 204 })
    expect((await call('/image')).root.output).toBe('[image/png: 6 bytes]')
  })

  it('shows what was written around Fastify, by reply.hijack()', async () => {
    const { call } = await serve(app =>
      app.get('/', async (_request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const piece of ['Hel', 'lo']) {
          reply.raw.write(delta(piece))
          await delay(5)
        }
        reply.raw.end('data: [DONE]\n\n')
      }),
    )
    const { root } = await call('/')
    expect(root.output).toEqual({ role: 'assistant', content: 'Hello' })
    expect(root.metadata).toMatchObject({ chunks: 3 })
  })

  it('counts the chunks of a stream though nothing is captured', async () => {
    const { call } = await serve(
      app =>
        app.get('/', (_request, reply) => {
          reply.type('text/event-stream').send(Readable.from([delta('a'), delta('b'), delta('c')]))
        }),
      {},
    )
    const { root } = await call('/')
    expect(root.output).toEqual({ statusCode: 200 })
    expect(root.metadata).toMatchObject({ chunks: 3 })
    expect(root.metadata.timeToFirstTokenMs).toBeLessThanOrEqual(root.metadata.timeToLastByteMs as number)
  })

  it('shows what an injected request was answered', async () => {
    const { app } = await serve(one => {
      one.post('/', async () => ({ answer: 42 }))
      one.get('/stream', (_request, reply) => {
        reply.type('text/plain').send(Readable.from(['a', 'b']))
      })
    })
    await app.inject({ method: 'POST', url: '/', payload: { question: 'why' } })
    expect(await rootOf('POST /')).toMatchObject({ input: { question: 'why' }, output: { answer: 42 } })
    expect((await app.inject('/stream')).body).toBe('ab')
    expect(await rootOf('GET /stream')).toMatchObject({ output: 'ab', metadata: { chunks: 2 } })
  })

  it('shows the part of a stream that a client who left had got, and gives up its source as ever', async () => {
    const errors: unknown[] = []
    let closed = false
    const { port } = await serve(app =>
      app.get('/', (_request, reply) => {
        const source = new Readable({ read() {} })
        source.on('error', error => errors.push(error))
        source.on('close', () => {
          closed = true
        })
        source.push(delta('so far'))
        reply.type('text/event-stream').send(source)
      }),
    )
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    let received = ''
    while (!received.includes('so far')) received += String((await once(socket, 'data'))[0])
    socket.destroy()
    expect(await rootOf('GET /')).toMatchObject({
      level: 'WARNING',
      output: { role: 'assistant', content: 'so far' },
      metadata: { end: 'client_aborted' },
    })
    while (!closed) await delay(1)
    expect(errors).toEqual([])
  })

  it('shows the part of a stream before it broke', async () => {
    const { port } = await serve(app =>
      app.get('/', (_request, reply) => {
        const source = new Readable({ read() {} })
        source.push(delta('so far'))
        setTimeout(() => source.destroy(new Error('the source broke')), 20)
        reply.type('text/event-stream').send(source)
      }),
    )
    await fetch(`http://127.0.0.1:${port}/`)
      .then(answer => answer.text())
      .catch(() => {})
    expect(await rootOf('GET /')).toMatchObject({
      level: 'ERROR',
      statusMessage: 'Error: the source broke',
      output: { role: 'assistant', content: 'so far' },
      metadata: { end: 'stream_error' },
    })
  })

  it('lets Fastify answer for a stream that breaks before it began', async () => {
    const { call } = await serve(app =>
      app.get('/', (_request, reply) => {
        const source = new Readable({ read() {} })
        setTimeout(() => source.destroy(new Error('the source broke')), 5)
        reply.type('text/plain').send(source)
      }),
    )
    const { status, root } = await call('/')
    expect(status).toBe(500)
    expect(root).toMatchObject({ level: 'ERROR', output: { statusCode: 500, message: 'the source broke' } })
  })

  it.each([
    ['with', ALL],
    ['without', {}],
  ])('holds a source back while its client does not read, %s capture', async (_with, options) => {
    let pulled = 0
    const { port } = await serve(
      app =>
        app.get('/', (_request, reply) => {
          const source = new Readable({
            read() {
              pulled += 1
              this.push(Buffer.alloc(64 * 1024, 'x'))
            },
          })
          reply.type('text/plain').send(source)
        }),
      { options },
    )
    const socket = connect(port, '127.0.0.1')
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    let before = -1
    while (pulled === 0 || pulled !== before) {
      before = pulled
      await delay(100)
    }
    expect(pulled).toBeLessThan(1_000)
    socket.destroy()
    expect((await rootOf('GET /')).metadata.end).toBe('client_aborted')
  })

  it('counts what is written over HTTP/2 once', async () => {
    const { port } = await serve(
      app =>
        app.get('/', (_request, reply) => {
          reply.hijack()
          reply.raw.setHeader('content-type', 'text/plain')
          reply.raw.write('a')
          reply.raw.end('b')
        }),
      { options: ALL, server: { http2: true } },
    )
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    const stream = session.request({ ':path': '/' })
    stream.resume()
    await once(stream, 'close')
    session.close()
    expect(await rootOf('GET /')).toMatchObject({ output: 'ab', metadata: { chunks: 2 } })
  })

  const redacting = async (_request: unknown, _reply: unknown, payload: unknown) =>
    payload instanceof Readable
      ? payload.pipe(
          new Transform({
            transform: (chunk, _encoding, done) => done(null, String(chunk).replaceAll('hunter2', 'hidden')),
          }),
        )
      : String(payload).replaceAll('hunter2', 'hidden')
  const secret = 'it is hunter2'

  it.each<[string, (app: FastifyInstance) => unknown]>([
    ['the instance', app => app.addHook('onSend', redacting)],
    ['the route', app => app.addHook('onRoute', route => void Object.assign(route, { onSend: redacting }))],
  ])('shows what was sent after an onSend hook of %s', async (_whose, addHook) => {
    const { call } = await serve(app => {
      addHook(app)
      app.get('/whole', (_request, reply) => void reply.type('text/plain').send(secret))
      app.get('/stream', (_request, reply) => {
        reply.type('text/plain').send(Readable.from([Buffer.from('it is '), Buffer.from('hunter2')]))
      })
    })
    for (const path of ['/whole', '/stream']) {
      const { text, root } = await call(path)
      expect(text).toBe('it is hidden')
      expect(root.output).toBe('it is hidden')
    }
  })

  it('shows what was sent after an onSend hook where no route matches', async () => {
    const { call } = await serve(app => {
      app.addHook('onSend', redacting)
      app.setNotFoundHandler((_request, reply) => void reply.code(404).type('text/plain').send(secret))
    })
    expect((await call('/nowhere')).root.output).toBe('it is hidden')
  })

  // The current plugins are for Fastify 5.
  if (!version.startsWith('Fastify 5')) return

  it.each(['before', 'after'])(
    'shows what the app sent with @fastify/compress registered %s',
    async place => {
      const app = fastify({ forceCloseConnections: true })
      const options = { threshold: 0, customTypes: /./ }
      if (place === 'before') await app.register(compress, options)
      await app.register((await import('@langfuse-middleware/fastify')).default, ALL)
      if (place === 'after') await app.register(compress, options)
      traced = { app } as unknown as TracedApp
      app.get('/whole', async () => ({ text: 'x'.repeat(100) }))
      app.get('/stream', (_request, reply) => {
        reply.type('text/event-stream').send(Readable.from([delta('Hel'), delta('lo')]))
      })
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      const texts: string[] = []
      for (const path of ['/whole', '/stream']) {
        const answer = await fetch(url + path)
        expect(answer.headers.get('content-encoding')).toMatch(/gzip|br/)
        texts.push(await answer.text())
      }
      expect(texts).toEqual([JSON.stringify({ text: 'x'.repeat(100) }), delta('Hel') + delta('lo')])
      expect((await rootOf('GET /whole')).output).toEqual({ text: 'x'.repeat(100) })
      expect(await rootOf('GET /stream')).toMatchObject({
        output: { role: 'assistant', content: 'Hello' },
        metadata: { chunks: 2 },
      })
    },
  )

  it.each(['before', 'after'])(
    'shows what a hook of the app left, with @fastify/compress registered %s',
    async place => {
      const app = fastify({ forceCloseConnections: true })
      const options = { threshold: 0, customTypes: /./ }
      await app.register((await import('@langfuse-middleware/fastify')).default, ALL)
      if (place === 'before') await app.register(compress, options)
      app.addHook('onSend', redacting)
      app.addHook('onRoute', route => {
        if (route.url === '/route') route.onSend = [redacting, route.onSend ?? []].flat()
      })
      if (place === 'after') await app.register(compress, options)
      traced = { app } as unknown as TracedApp
      for (const path of ['/instance', '/route']) {
        app.get(path, (_request, reply) => void reply.type('text/plain').send(secret))
      }
      app.get('/stream', (_request, reply) => void reply.type('text/plain').send(Readable.from([secret])))
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      for (const path of ['/instance', '/route', '/stream']) {
        const answer = await fetch(url + path)
        expect(answer.headers.get('content-encoding')).toMatch(/gzip|br/)
        expect(await answer.text()).toBe('it is hidden')
        expect((await rootOf(`GET ${path}`)).output).toBe('it is hidden')
      }
    },
  )

  it.each<[string, () => unknown]>([
    ['a web stream', () => new Response('hello').body],
    ['a Response', () => new Response('hello', { headers: { 'content-type': 'text/plain' } })],
  ])('shows what was sent as %s', async (_kind, payload) => {
    const { call } = await serve(app =>
      app.get('/', (_request, reply) => {
        reply.type('text/plain').send(payload())
      }),
    )
    const { text, root } = await call('/')
    expect(text).toBe('hello')
    expect(root.output).toBe('hello')
  })

  it.each<[string, Parameters<typeof multipart>[1], unknown]>([
    ['attached', { attachFieldsToBody: true }, { name: 'p.png', type: 'image/png', size: 6 }],
    ['attached by value', { attachFieldsToBody: 'keyValues' }, '[binary: 6 bytes]'],
  ])(
    'shows the fields of a multipart body, and what its files are called: %s',
    async (_how, options, photo) => {
      const { call } = await serve(async app => {
        await app.register(multipart, options)
        app.post('/', async request => {
          await (request.body as { photo: { toBuffer?: () => Promise<Buffer> } }).photo.toBuffer?.()
          return {}
        })
      })
      const body = new FormData()
      body.set('note', 'for you')
      body.set('password', 'hunter2')
      body.set('photo', new Blob(['secret'], { type: 'image/png' }), 'p.png')
      const { root } = await call('/', { method: 'POST', body })
      expect(root.input).toEqual({ note: 'for you', password: '[redacted]', photo })
    },
  )

  it('shows what files were called that were saved', async () => {
    const { call } = await serve(async app => {
      await app.register(multipart)
      app.post('/', async request => {
        await request.saveRequestFiles()
        return {}
      })
    })
    const body = new FormData()
    body.set('photo', new Blob(['secret'], { type: 'image/png' }), 'p.png')
    const { root } = await call('/', { method: 'POST', body })
    expect(root.input).toMatchObject({ photo: { name: 'p.png', type: 'image/png' } })
  })
})
