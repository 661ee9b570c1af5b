import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestOptions, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'

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

it('gives a proxy that is asked to connect no headers', async () => {
  await within(() => send({ host: '127.0.0.1', port, method: 'CONNECT', path: 'example.com:443' }, 'connect'))
  expect(arrived.map(({ method }) => method)).toEqual(['CONNECT'])
  expect(arrived[0]?.headers).not.toHaveProperty('traceparent')
  expect(arrived[0]?.headers).not.toHaveProperty('x-langfuse-trace-id')
  expect(seen).toEqual([])
})
