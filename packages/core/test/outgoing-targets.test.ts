import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestOptions, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { resolvePropagateTo } from '../src/propagation/propagation-targets.ts'

let recorder: Recorder | undefined
let server: Server
let port: number
const seen: URL[] = []
let arrived: IncomingMessage[] = []

beforeAll(async () => {
  server = createServer((message, response) => {
    arrived.push(message)
    response.end()
  })
  server.on('connect', (message, socket) => {
    arrived.push(message)
    socket.end('HTTP/1.1 200 OK\r\n\r\n')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => void server.close())
beforeEach(() => {
  seen.length = 0
  arrived = []
})
afterEach(() => recorder?.close())

/** Makes a request within a traced one; all targets are allowed, and what the predicate saw is kept. */
async function within(work: () => Promise<unknown>): Promise<void> {
  await recorder?.close()
  recorder = recordTraces({ propagateTo: url => seen.push(url) > 0 })
  await createRequestTracer().start({ method: 'GET', url: '/', headers: {} }).run(work)
}

function send(options: RequestOptions, event = 'response'): Promise<unknown> {
  const outgoing = request(options)
  outgoing.end()
  return once(outgoing, event).then(([incoming, socket]) => {
    incoming.resume?.()
    socket?.destroy?.()
  })
}

it('judges a request by where it connects to, not by its Host header, and with port and path', async () => {
  await within(() => send({ host: '127.0.0.1', port, path: '/a?b=1', headers: { host: 'stranger.example' } }))
  await within(() => send({ host: '127.0.0.1', port, path: '/a?b=1' }))
  expect(seen.map(url => url.hostname)).toEqual(['127.0.0.1', '127.0.0.1'])
  expect(seen[1]?.href).toBe(`http://127.0.0.1:${port}/a?b=1`)
})

it('is not misled by a path that looks like a host', async () => {
  await within(() => send({ host: '127.0.0.1', port, path: '//localhost/x' }))
  await within(() => fetch(`http://127.0.0.1:${port}//localhost/x`))
  expect(seen.map(url => url.hostname)).toEqual(['127.0.0.1', '127.0.0.1'])
})

it.each([
  ['127.0.0.1:PORT', true],
  ['127.0.0.1:1', false],
  ['*.0.0.1:PORT', true],
  ['127.0.0.1', true],
])('matches a pattern with a port only on that port: %s', async (pattern, carries) => {
  recorder = recordTraces({ propagateTo: [pattern.replace('PORT', String(port))] })
  await createRequestTracer()
    .start({ method: 'GET', url: '/', headers: {} })
    .run(() => send({ host: '127.0.0.1', port, path: '/' }))
  expect('traceparent' in arrived[0]!.headers).toBe(carries)
})

it('knows the default port of a protocol, and IPv6 with and without a port', () => {
  const passes = (pattern: string, url: string) =>
    resolvePropagateTo('propagateTo', [pattern])?.(new URL(url))
  expect(passes('localhost:443', 'https://localhost/')).toBe(true)
  expect(passes('localhost:80', 'https://localhost/')).toBe(false)
  expect(passes('localhost:80', 'http://LOCALHOST./')).toBe(true)
  expect(passes('[::1]:3000', 'http://[::1]:3000/')).toBe(true)
  expect(passes('[::1]:3000', 'http://[::1]:3001/')).toBe(false)
  expect(passes('::1', 'http://[::1]:3001/')).toBe(true)
})

const FORWARDED = {
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  tracestate: 'theirs=1',
  baggage: `shop=1,langfuse_user_id=theirs,langfuse_trace_id=${'a'.repeat(32)}`,
  'x-langfuse-trace-id': 'a'.repeat(32),
  'x-langfuse-parent-id': 'b'.repeat(16),
  'x-langfuse-session-id': 'theirs',
}
const senders: [string, (headers: Record<string, string>) => Promise<unknown>][] = [
  ['node:http', headers => send({ host: '127.0.0.1', port, path: '/', headers })],
  ['fetch', headers => fetch(`http://127.0.0.1:${port}/`, { headers })],
]

describe.each(senders)('with %s', (_client, sendWith) => {
  /** The headers that arrive from a gateway that sends `headers`, with the id of its trace. */
  async function arrivedFrom(received: Record<string, string>, headers: Record<string, string>) {
    recorder = recordTraces({ propagateTo: true })
    const traced = createRequestTracer({ trust: false }).start({ method: 'GET', url: '/', headers: received })
    await traced.run(() => sendWith(headers))
    return { headers: arrived[0]!.headers, traceId: traced.trace.traceId }
  }

  it('replaces trace headers that a gateway forwards from its caller', async () => {
    const { headers, traceId } = await arrivedFrom(FORWARDED, FORWARDED)
    expect(headers.traceparent).toContain(traceId)
    expect(headers['x-langfuse-trace-id']).toBe(traceId)
    expect(headers['x-langfuse-parent-id']).not.toBe('b'.repeat(16))
    expect(headers.baggage).toBe(`shop=1,langfuse_trace_id=${traceId}`)
    expect(headers).not.toHaveProperty('tracestate')
    expect(headers).not.toHaveProperty('x-langfuse-session-id')
  })

  it('keeps trace headers that the app set', async () => {
    const { headers } = await arrivedFrom({}, FORWARDED)
    const { baggage, ...others } = FORWARDED
    expect(headers).toMatchObject(others)
    expect(headers.baggage).toContain(baggage)
  })

  it('adds its headers to a request with values that mention them', async () => {
    const { headers, traceId } = await arrivedFrom({}, { 'x-allowed': 'traceparent, x-langfuse-trace-id' })
    expect(headers.traceparent).toContain(traceId)
    expect(headers['x-langfuse-trace-id']).toBe(traceId)
  })
})

it('gives a proxy that is asked to connect no headers', async () => {
  await within(() => send({ host: '127.0.0.1', port, method: 'CONNECT', path: 'example.com:443' }, 'connect'))
  expect(arrived.map(({ method }) => method)).toEqual(['CONNECT'])
  expect(arrived[0]?.headers).not.toHaveProperty('traceparent')
  expect(arrived[0]?.headers).not.toHaveProperty('x-langfuse-trace-id')
  expect(seen).toEqual([])
})
