import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  createHttpSender,
  createLangfuseSender,
  createRecordBuilder,
  type HttpSenderOptions,
} from '../src/index.ts'
import { parseRetryAfter } from '../src/senders/http-result.ts'
import { numberedSpans } from './support/numbered-spans.ts'
import { accept, answer, type OtlpServer, startOtlpServer } from './support/otlp-server.ts'

const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8'))
let server: OtlpServer

beforeEach(async () => {
  server = await startOtlpServer()
})
afterEach(() => server.close())

function body(count = 3, attributes = {}): Uint8Array {
  const builder = createRecordBuilder()
  for (const span of numberedSpans(1, count, attributes)) builder.add(span)
  return builder.seal()!.body
}

async function send(options: Partial<HttpSenderOptions> = {}, bytes = body()) {
  const sender = createHttpSender({ url: server.url, ...options })
  const result = await sender.send(bytes, { signal: new AbortController().signal, spans: 3 })
  await sender.close?.()
  return result
}

describe('answers', () => {
  const meanings = [
    [200, 'accepted'],
    [202, 'accepted'],
    [301, 'refused'],
    [400, 'malformed'],
    [401, 'refused'],
    [402, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [405, 'refused'],
    [407, 'refused'],
    [408, 'failed'],
    [410, 'refused'],
    [415, 'refused'],
    [413, 'too_large'],
    [418, 'refused'],
    [422, 'malformed'],
    [429, 'throttled'],
    [500, 'failed'],
    [501, 'refused'],
    [502, 'failed'],
    [503, 'failed'],
    [504, 'failed'],
  ] as const

  it.each(meanings)('%i means %s', async (status, outcome) => {
    server.behave = answer(status)
    await expect(send()).resolves.toMatchObject({ outcome })
  })

  it('carry what the server says, in one short line without secrets', async () => {
    const headers = { 'x-api-key': 'very-secret-value' }
    server.behave = answer(401, {}, `no\n\tvery-secret-value for sk-lf-12345 ${'x'.repeat(1000)}`)
    const { reason } = await send({ headers })
    expect(reason).toMatch(/^401 Unauthorized: no \[redacted\] for sk-lf-\[redacted\] x+$/)
    expect(reason!.length).toBeLessThan(260)
  })

  it('carry the wait that the server asks for', async () => {
    server.behave = answer(429, { 'retry-after': '30' })
    await expect(send()).resolves.toMatchObject({ outcome: 'throttled', retryAfterMs: 30_000 })
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:28:10 GMT', Date.parse('2026-10-21T07:28:00Z'))).toBe(10_000)
    expect(parseRetryAfter('Wed, 21 Oct 2020 07:28:10 GMT', Date.now())).toBe(0)
    expect(parseRetryAfter('0.5', 0)).toBe(500)
    expect(parseRetryAfter('soon', 0)).toBeUndefined()
    expect(parseRetryAfter('', 0)).toBeUndefined()
  })

  it('tell how many spans a success left out, in JSON or protobuf', async () => {
    const json = JSON.stringify({ partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } })
    server.behave = answer(200, { 'content-type': 'application/json' }, json)
    await expect(send()).resolves.toEqual({ outcome: 'accepted', rejectedSpans: 2, reason: 'too old' })
    server.behave = (_request, response) =>
      response.end(Buffer.from([0x0a, 0x06, 0x08, 0x02, 0x12, 0x02, 0x6e, 0x6f]))
    await expect(send()).resolves.toEqual({ outcome: 'accepted', rejectedSpans: 2, reason: 'no' })
    server.behave = answer(200, { 'content-type': 'application/json' }, '{"partialSuccess":null}')
    await expect(send()).resolves.toEqual({ outcome: 'accepted' })
  })

  it.each([
    ['text/html', '<title>Sign in</title>'],
    ['text/plain', 'OK'],
    ['application/json', '{'],
    ['application/json', 'null'],
    ['application/x-protobuf', '<!doctype html>'],
    [undefined, '<!doctype html>'],
  ])('of 200 with content type %s and body %s are refused: they are not of OTLP', async (type, text) => {
    server.behave = answer(200, type === undefined ? {} : { 'content-type': type }, text)
    const { outcome, reason } = await send()
    expect(outcome).toBe('refused')
    expect(reason).toBe(
      `200 OK with ${type ?? 'no content type'} from ${server.url} is not an answer of Langfuse or OTLP`,
    )
  })

  it('name the URL that was posted to if it does not exist, and the target of a redirect', async () => {
    server.behave = answer(404)
    await expect(send({ url: `${server.url}?key=hidden` })).resolves.toMatchObject({
      reason: `404 Not Found for ${server.url}`,
    })
    server.behave = answer(308, { location: 'https://user:pass@elsewhere.example/login?token=hidden' })
    await expect(send()).resolves.toMatchObject({
      outcome: 'refused',
      reason: `308 Permanent Redirect for ${server.url} to https://elsewhere.example/login`,
    })
  })

  it('lose no part of a secret at the place where they are cut', async () => {
    const secret = 'a-secret-of-some-length-that-crosses-the-end'
    for (let before = 150; before < 200; before++) {
      server.behave = answer(500, {}, `${'x'.repeat(before)}${secret}`)
      const { reason } = await send({ headers: { 'x-api-key': secret } })
      expect(reason).not.toContain('a-s')
    }
  })
})

describe('broken connections', () => {
  it('are unreachable when nobody listens', async () => {
    await server.close()
    await expect(send()).resolves.toMatchObject({
      outcome: 'unreachable',
      reason: expect.stringContaining('ECONNREFUSED'),
    })
    server = await startOtlpServer()
  })

  it('fail when there is no answer in time', async () => {
    server.behave = () => undefined
    await expect(send({ timeoutMs: 50 })).resolves.toEqual({
      outcome: 'failed',
      reason: 'no answer within 50 ms',
      timedOut: true,
    })
  })

  it('fail when the answer never ends', async () => {
    server.behave = (_request, response) => response.writeHead(200, { 'content-length': '100' }).write('half')
    await expect(send({ timeoutMs: 50 })).resolves.toMatchObject({ outcome: 'failed', timedOut: true })
  })

  it('fail when they are reset in the middle of the request or of the answer', async () => {
    server.early = socket => {
      socket.resetAndDestroy()
      return true
    }
    await expect(send({}, body(2000, { text: 'x'.repeat(1000) }))).resolves.toMatchObject({
      outcome: 'failed',
    })
    server.early = () => false
    server.behave = (_request, response, socket) => {
      response.writeHead(200, { 'content-length': '100' }).write('half', () => socket.resetAndDestroy())
    }
    await expect(send()).resolves.toMatchObject({ outcome: 'failed' })
  })

  it('fail when the answer is not HTTP', async () => {
    const other = createServer(socket => socket.resume().end('hello\r\n\r\n'))
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    await expect(send({ url: `http://127.0.0.1:${port}` })).resolves.toMatchObject({ outcome: 'failed' })
    await new Promise(resolve => other.close(resolve))
  })

  it('fail when the socket is closed without an error, before and in the middle of an answer', async () => {
    server.early = socket => {
      socket.end()
      return true
    }
    await expect(send({ timeoutMs: 60_000 })).resolves.toMatchObject({ outcome: 'failed' })
    server.early = () => false
    server.behave = (_request, response, socket) => {
      response.writeHead(200, { 'content-length': '100' }).write('half', () => socket.end())
    }
    await expect(send({ timeoutMs: 60_000 })).resolves.toMatchObject({ outcome: 'failed' })
  })

  it('are refused when the answer is 101', async () => {
    server.early = socket => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
      return true
    }
    await expect(send({ timeoutMs: 60_000 })).resolves.toMatchObject({ outcome: 'refused' })
  })

  it('fail when the attempt is aborted', async () => {
    server.behave = () => undefined
    const controller = new AbortController()
    const sender = createHttpSender({ url: server.url })
    const sent = sender.send(body(), { signal: controller.signal, spans: 3 })
    setImmediate(() => controller.abort())
    await expect(sent).resolves.toMatchObject({ outcome: expect.stringMatching(/failed|unreachable/) })
    await sender.close?.()
  })
})

describe('requests', () => {
  it('reuse connections, and outlive one that was closed while idle', async () => {
    const sender = createHttpSender({ url: server.url })
    const post = () => sender.send(body(), { signal: new AbortController().signal, spans: 3 })
    await post()
    await post()
    expect(server.connections).toBe(1)
    let first = true
    server.early = socket => {
      if (first) socket.resetAndDestroy()
      const wasFirst = first
      first = false
      return wasFirst
    }
    await expect(post()).resolves.toEqual({ outcome: 'accepted' })
    expect(server.connections).toBe(2)
    await sender.close?.()
  })

  it("leave an app's own agent open", async () => {
    const agent = new Agent({ keepAlive: true })
    await send({ agent })
    await send({ agent })
    expect(server.connections).toBe(1)
    agent.destroy()
  })

  it('are compressed where asked for, and by default only to another machine', async () => {
    const compressible = body(50, { text: 'x'.repeat(1000) })
    await send({ compression: 'gzip' }, compressible)
    await send({ compression: 'none' }, compressible)
    await send({}, compressible)
    await send({ compression: 'gzip' }, body(1))
    expect(server.requests.map(({ headers }) => headers['content-encoding'])).toEqual([
      'gzip',
      undefined,
      undefined,
      undefined,
    ])
    expect(server.requests[0]!.bytes).toBeLessThan(compressible.length / 5)
    expect(server.requests[0]!.spans).toHaveLength(50)
  })

  it('carry the headers given and none from the environment', async () => {
    process.env.OTEL_EXPORTER_OTLP_HEADERS = 'x-vendor=leaked'
    process.env.OTEL_EXPORTER_OTLP_TRACES_HEADERS = 'x-vendor=leaked'
    await send({ headers: { 'x-own': 'yes' } })
    delete process.env.OTEL_EXPORTER_OTLP_HEADERS
    delete process.env.OTEL_EXPORTER_OTLP_TRACES_HEADERS
    const [{ headers }] = server.requests as [OtlpServer['requests'][0]]
    expect(headers).toMatchObject({ 'x-own': 'yes', 'content-type': 'application/x-protobuf' })
    expect(JSON.stringify(headers)).not.toContain('leaked')
  })

  it('to Langfuse go to its endpoint with its headers', async () => {
    let path: string | undefined
    server.behave = (request, response, socket) => {
      path = (response.req as { url?: string }).url
      accept(request, response, socket)
    }
    const sender = createLangfuseSender({
      publicKey: 'pk-lf-1',
      secretKey: 'sk-lf-2',
      baseUrl: new URL(server.url).origin,
    })
    await sender.send(body(), { signal: new AbortController().signal, spans: 3 })
    await sender.close?.()
    expect(path).toBe('/api/public/otel/v1/traces')
    expect(server.requests[0]!.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('pk-lf-1:sk-lf-2').toString('base64')}`,
      'x-langfuse-public-key': 'pk-lf-1',
      'x-langfuse-ingestion-version': '4',
      'x-langfuse-sdk-name': expect.any(String),
      'x-langfuse-sdk-version': version,
    })
    expect(sender.identity).not.toContain('sk-lf')
  })

  it('to Langfuse throw at start-up if a key is missing', () => {
    expect(() => createLangfuseSender({ publicKey: 'pk-lf-1', secretKey: undefined as never })).toThrow(
      'secretKey must be a key of a Langfuse project, got undefined (LANGFUSE_MIDDLEWARE_INVALID_OPTION)',
    )
  })

  it.each([
    [{ timeoutMs: 0 }, 'timeoutMs must be between 1 and 2147483647, got 0'],
    [{ timeoutMs: 'soon' }, 'timeoutMs must be between 1 and 2147483647, got "soon"'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs must be between 1 and 2147483647, got 2147483648'],
    [{ compression: 'br' }, 'compression must be one of auto, gzip, none, got "br"'],
    [{ headers: ['x'] }, 'headers must be an object of strings, got an array'],
    [{ headers: { 'x-key': 1 } }, 'headers["x-key"] must be a string, got 1'],
    [{ timeout: 5 }, 'options has no "timeout", did you mean "timeoutMs"?'],
  ])('throw at start-up for %j', (options, message) => {
    expect(() => createHttpSender({ url: server.url, ...options } as HttpSenderOptions)).toThrow(message)
  })

  it('throw at start-up for an unusable URL or header, without its value in the message', () => {
    expect(() => createHttpSender({ url: 'ftp://user:pass@host' })).toThrow(
      'url must be an http or https URL such as https://cloud.langfuse.com, got "ftp://[redacted]@host" (LANGFUSE_MIDDLEWARE_INVALID_OPTION)',
    )
    const unsafe = () => createHttpSender({ url: server.url, headers: { 'x-key': 'secret\nvalue' } })
    expect(unsafe).toThrow('headers["x-key"] must have a name and a value that HTTP allows')
    expect(unsafe).not.toThrow('secret')
  })
})
