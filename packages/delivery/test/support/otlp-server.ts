import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { decodeSpans, type Message } from './otlp-decoder.ts'
import { numberOf } from './scripted-sender.ts'

interface ReceivedRequest {
  headers: IncomingHttpHeaders
  /** Numbers of the spans in it. */
  spans: number[]
  bytes: number
}

/** What to do with a request: answer it through `response`, or spoil it through `socket`. */
export type Behaviour = (request: ReceivedRequest, response: ServerResponse, socket: Socket) => void

export interface OtlpServer {
  url: string
  port: number
  requests: ReceivedRequest[]
  /** Numbers of the spans in requests answered with 200, in order. */
  received: number[]
  behave: Behaviour
  /** Called as soon as the headers of a request are in; returns true where it has dealt with it. */
  early: (socket: Socket, headers: IncomingHttpHeaders) => boolean
  connections: number
  /** True where a span came twice and was not the same both times. */
  repeatsDiffer: boolean
  close(): Promise<void>
}

/** Answers 200 with an empty body. */
export const accept: Behaviour = (_request, response) => response.writeHead(200).end()

/** Answers with a status. */
export function answer(status: number, headers: Record<string, string> = {}, body = ''): Behaviour {
  return (_request, response) => response.writeHead(status, headers).end(body)
}

/** Starts an OTLP server on a free port of the loopback interface, or on the one given. */
export async function startOtlpServer(port = 0): Promise<OtlpServer> {
  const sockets = new Set<Socket>()
  const seen = new Map<number, Message>()
  const server = createServer((request, response) => {
    if (state.early(request.socket, request.headers)) return
    const chunks: Buffer[] = []
    request.on('error', () => undefined)
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      const spans = decodeSpans(body)
      for (const span of spans) {
        const first = seen.get(numberOf(span)) ?? span
        seen.set(numberOf(span), first)
        if (first !== span && !isDeepStrictEqual(first, span)) state.repeatsDiffer = true
      }
      const received = { headers: request.headers, spans: spans.map(numberOf), bytes: raw.length }
      state.requests.push(received)
      response.on('finish', () => {
        if (response.statusCode === 200) state.received.push(...received.spans)
      })
      state.behave(received, response, request.socket)
    })
  })
  server.on('connection', socket => {
    state.connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  const state: OtlpServer = {
    url: '',
    port: 0,
    requests: [],
    received: [],
    behave: accept,
    early: () => false,
    connections: 0,
    repeatsDiffer: false,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  state.port = (server.address() as AddressInfo).port
  state.url = `http://127.0.0.1:${state.port}/v1/traces`
  return state
}
