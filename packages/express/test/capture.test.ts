import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type LangfuseMiddlewareOptions, langfuseMiddleware, traceRoute } from '@langfuse-middleware/express'
import { type RecordedObservation, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import compression from 'compression'
import multer from 'multer'
import { expressVersions } from './express-versions.ts'

const ALL: LangfuseMiddlewareOptions = { capture: { requestBody: true, responseBody: true } }
const delta = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`

describe.each(expressVersions)('capture in %s', (_version, express) => {
  type App = ReturnType<typeof express>
  let recorder: Recorder
  let server: Server

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
    recorder.clear()
  })
  afterAll(() => recorder.close())

  async function listen(define: (app: App) => void): Promise<string> {
    const app = express()
    app.set('env', 'test')
    define(app)
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  function serve(define: (app: App) => void, options = ALL): Promise<string> {
    return listen(app => {
      app.use(langfuseMiddleware(options))
      define(app)
    })
  }

  async function rootOf(name: string): Promise<RecordedObservation> {
    return (await recorder.waitFor(trace => trace.root?.name === name)).root as RecordedObservation
  }

  async function roots(count: number): Promise<RecordedObservation[]> {
    for (;;) {
      const traces = await recorder.traces()
      if (traces.length >= count) return traces.map(trace => trace.root as RecordedObservation)
    }
  }

  function post(url: string, body: string, type = 'application/json'): Promise<Response> {
    return fetch(url, { method: 'POST', body, headers: { 'content-type': type } })
  }

  it('shows the parsed body as input and the answer as output, without what they keep secret', async () => {
    const url = await serve(app => {
      app.use(express.json())
      app.post('/chat', (_request, response) => {
        response.json({ role: 'assistant', content: 'hello', session_token: 'abc' })
      })
    })
    const said = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }
    await post(`${url}/chat`, JSON.stringify({ ...said, api_key: 'sk-1' }))
    expect(await rootOf('POST /chat')).toMatchObject({
      input: { ...said, api_key: '[redacted]' },
      output: { role: 'assistant', content: 'hello', session_token: '[redacted]' },
      metadata: { path: '/chat', statusCode: 200 },
    })
  })

  it('captures of a route what the route asks for, and nothing of the others', async () => {
    const url = await serve(app => {
      app.use(compression({ threshold: 0 }))
      app.get('/shown', traceRoute({ capture: { responseBody: ['answer'] } }), (_request, response) => {
        response.json({ answer: 42 })
      })
      app.get('/hidden', (_request, response) => {
        expect(
          Object.hasOwn(response, 'write') && Object.getOwnPropertyDescriptor(response, 'write')?.get,
        ).toBeFalsy()
        response.json({ answer: 42 })
      })
    }, {})
    await (await fetch(`${url}/shown`)).text()
    await (await fetch(`${url}/hidden`)).text()
    expect((await rootOf('GET /shown')).output).toBe(42)
    expect((await rootOf('GET /hidden')).output).toEqual({ statusCode: 200 })
  })

  it.each(['before', 'after'])('shows what the app wrote with compression mounted %s', async place => {
    const url = await listen(app => {
      if (place === 'before') app.use(compression({ threshold: 0 }))
      app.use(langfuseMiddleware(ALL))
      if (place === 'after') app.use(compression({ threshold: 0 }))
      app.get('/whole', (_request, response) => {
        response.json({ text: 'x'.repeat(100) })
      })
      app.get('/pieces', async (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const piece of ['Hel', 'lo']) {
          response.write(Buffer.from(delta(piece)))
          response.flush()
          await new Promise(setImmediate)
        }
        response.end('data: [DONE]\n\n')
      })
      app.get('/piped', (_request, response) => {
        response.type('text')
        Readable.from(['one ', 'two']).pipe(response)
      })
    })
    const texts: string[] = []
    for (const path of ['/whole', '/pieces', '/piped']) {
      const answer = await fetch(url + path)
      expect(answer.headers.get('content-encoding')).toMatch(/gzip|br/)
      texts.push(await answer.text())
    }
    expect(texts).toEqual([
      JSON.stringify({ text: 'x'.repeat(100) }),
      `${delta('Hel')}${delta('lo')}data: [DONE]\n\n`,
      'one two',
    ])
    expect((await rootOf('GET /whole')).output).toEqual({ text: 'x'.repeat(100) })
    expect((await rootOf('GET /pieces')).output).toEqual({ role: 'assistant', content: 'Hello' })
    expect((await rootOf('GET /pieces')).metadata).toMatchObject({ chunks: 3 })
    expect((await rootOf('GET /piped')).output).toBe('one two')
  })

  it('leaves alone what others wrap around the response, and take away again', async () => {
    const seen: string[] = []
    const url = await serve(app => {
      app.use((_request, response, next) => {
        const { write, end } = response
        response.write = function (this: ServerResponse, ...args: unknown[]) {
          seen.push(String(args[0]))
          response.write = write
          return (write as (...args: unknown[]) => boolean).apply(this, args)
        } as typeof write
        response.end = function (this: ServerResponse, ...args: unknown[]) {
          seen.push('end')
          return (end as (...args: unknown[]) => ServerResponse).apply(this, [`${args[0]}!`])
        } as typeof end
        next()
      })
      app.get('/', (_request, response) => {
        response.type('text')
        response.write('a')
        response.write('b')
        response.end('c')
      })
    })
    expect(await (await fetch(url)).text()).toBe('abc!')
    expect(seen).toEqual(['a', 'end'])
    expect(await rootOf('GET /')).toMatchObject({ output: 'abc', metadata: { chunks: 3 } })
  })

  it('shows a form, and of a multipart body its fields and what its files are called', async () => {
    const url = await serve(app => {
      app.use(express.urlencoded({ extended: true }))
      app.post('/form', (_request, response) => void response.end())
      app.post('/files', multer().any(), (_request, response) => void response.end())
      app.post('/file', multer().single('photo'), (_request, response) => void response.end())
      app.post('/fields', multer().fields([{ name: 'photo' }]), (_request, response) => void response.end())
    })
    await post(`${url}/form`, 'a=1&b[c]=2&password=x', 'application/x-www-form-urlencoded')
    expect((await rootOf('POST /form')).input).toEqual({ a: '1', b: { c: '2' }, password: '[redacted]' })
    const photo = { name: 'p.png', type: 'image/png', size: 6 }
    for (const path of ['/files', '/file', '/fields']) {
      const form = new FormData()
      form.set('note', 'for you')
      form.set('photo', new Blob(['secret'], { type: 'image/png' }), 'p.png')
      await fetch(url + path, { method: 'POST', body: form })
      expect((await rootOf(`POST ${path}`)).input).toEqual({ note: 'for you', photo })
    }
  })

  it('shows nothing of a body that cannot be parsed, or that no one parses', async () => {
    const url = await serve(app => {
      app.post('/unread', (_request, response) => void response.end())
      app.use(express.json())
      app.post('/read', (_request, response) => void response.end())
    })
    expect((await post(`${url}/read`, '{"password": "hunter2"')).status).toBe(400)
    await post(`${url}/unread`, '{"a":1}')
    await post(`${url}/read`, '\xff\xfe', 'text/plain')
    expect((await roots(3)).map(root => root.input)).toEqual([
      { method: 'POST', path: '/read' },
      { method: 'POST', path: '/unread' },
      { method: 'POST', path: '/read' },
    ])
  })

  it('reads a body of 50 MB no further than its bound', async () => {
    const url = await serve(
      app => {
        app.use(express.json({ limit: '60mb' }))
        app.post('/', (request, response) => void response.json(request.body.text.length))
      },
      { capture: { requestBody: true, maxBytes: 1_000 } },
    )
    const length = 50 * 1024 * 1024
    expect(await (await post(url, JSON.stringify({ text: 'x'.repeat(length) }))).json()).toBe(length)
    const { attributes } = await rootOf('POST /')
    expect(attributes['langfuse.observation.input']).toMatch(
      /^\{"text":"x+ \[cut: 5242\d{4} of 52428800 bytes\]"\}$/,
    )
  })

  it('shows the part of an answer that a client who left had got, and stops who watches the signal', async () => {
    let stopped = false
    const url = await serve(app => {
      app.get('/', async (request, response) => {
        const { signal } = request.langfuse
        response.type('text/event-stream')
        for (let piece = 0; !signal.aborted; piece += 1) {
          response.write(delta(`${piece} `))
          await new Promise(resolve => setTimeout(resolve, 5))
        }
        stopped = true
      })
    })
    const client = new AbortController()
    const answer = await fetch(url, { signal: client.signal })
    const reader = answer.body?.getReader()
    await reader?.read()
    client.abort()
    const root = await rootOf('GET /')
    expect(root).toMatchObject({ level: 'WARNING', metadata: { end: 'client_aborted' } })
    expect((root.output as { content: string }).content).toMatch(/^0 /)
    while (!stopped) await new Promise(setImmediate)
  })

  it('lets a route finish what it does for a client who left', async () => {
    let signal: AbortSignal | undefined
    const url = await serve(app => {
      app.get('/', traceRoute({ abortOnDisconnect: false }), (request, response) => {
        signal = request.langfuse.signal
        response.write('so far')
      })
    })
    const client = new AbortController()
    await fetch(url, { signal: client.signal })
    client.abort()
    expect((await rootOf('GET /')).metadata.end).toBe('client_aborted')
    expect(signal?.aborted).toBe(false)
  })

  it('shows the part of a stream before it broke', async () => {
    const url = await serve(app => {
      app.get('/', async (_request, response) => {
        response.type('text/event-stream')
        const source = Readable.from(
          (async function* () {
            yield delta('so ')
            yield delta('far')
            await new Promise(setImmediate)
            throw new Error('the source broke')
          })(),
        )
        await pipeline(source, response).catch(() => {})
      })
    })
    await fetch(url)
      .then(answer => answer.text())
      .catch(() => {})
    expect(await rootOf('GET /')).toMatchObject({
      level: 'ERROR',
      output: { role: 'assistant', content: 'so far' },
      metadata: { end: 'stream_error' },
    })
  })

  it('keeps apart the answers to requests of one connection', async () => {
    const url = await serve(app => {
      app.get('/:id', (request, response) => {
        response.type('text')
        response.write(request.params.id as string)
        setTimeout(() => response.end('!'), request.params.id === 'slow' ? 30 : 0)
      })
    })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(
      'GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET /fast HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    )
    socket.resume()
    await once(socket, 'close')
    expect((await roots(2)).map(root => root.output).sort()).toEqual(['fast!', 'slow!'])
  })

  it.each([
    ['with', ALL],
    ['without', {}],
  ])('holds a source back while its client does not read, %s capture', async (_with, options) => {
    let pulled = 0
    const url = await serve(app => {
      app.get('/', (_request, response) => {
        response.type('text')
        const source = new Readable({
          read() {
            pulled += 1
            this.push(Buffer.alloc(64 * 1024, 'x'))
          },
        })
        response.on('close', () => source.destroy())
        source.pipe(response)
      })
    }, options)
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    let before = -1
    while (pulled === 0 || pulled !== before) {
      before = pulled
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(pulled).toBeLessThan(1_000)
    socket.destroy()
    expect((await rootOf('GET /')).metadata.end).toBe('client_aborted')
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['by writing at once', () => {}],
    ['before anything is written', response => response.writeHead(200)],
    ['and are flushed', response => response.flushHeaders()],
  ])('counts the chunks of a stream though nothing is captured, its headers sent %s', async (_how, head) => {
    const url = await serve(app => {
      app.get('/', async (_request, response) => {
        head(response)
        for (const piece of ['a', 'b', 'c']) {
          response.write(piece)
          await new Promise(resolve => setTimeout(resolve, 5))
        }
        response.end()
      })
      app.get('/sync', (_request, response) => {
        head(response)
        for (const piece of ['a', 'b', 'c']) response.write(piece)
        response.end()
      })
      app.get('/whole', (_request, response) => {
        head(response)
        response.end('abc')
      })
    }, {})
    for (const path of ['/', '/sync', '/whole']) expect(await (await fetch(url + path)).text()).toBe('abc')
    for (const name of ['GET /', 'GET /sync']) {
      const { metadata, attributes } = await rootOf(name)
      expect(metadata).toMatchObject({ chunks: 3, end: 'completed' })
      const { timeToFirstByteMs, timeToFirstTokenMs, timeToLastByteMs } = metadata as Record<string, number>
      expect(timeToFirstTokenMs).toBeGreaterThanOrEqual(timeToFirstByteMs as number)
      expect(timeToLastByteMs).toBeGreaterThanOrEqual(timeToFirstTokenMs as number)
      expect(attributes['langfuse.observation.completion_start_time']).toMatch(/^"20.*Z"$/)
    }
    expect((await rootOf('GET /whole')).metadata.chunks).toBeUndefined()
  })

  it('takes for the first token what was generated, not what keeps the connection open', async () => {
    const url = await serve(app => {
      app.get('/', async (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(': wait\n\n')
        await new Promise(resolve => setTimeout(resolve, 50))
        response.write(delta('hi'))
        response.end()
      })
    }, {})
    await (await fetch(url)).text()
    const { timeToFirstTokenMs, timeToLastByteMs } = (await rootOf('GET /')).metadata
    expect(timeToFirstTokenMs).toBe(timeToLastByteMs)
  })
})
