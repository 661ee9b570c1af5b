import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { readFields } from '@langfuse-middleware/delivery'
import { spansOf } from '../../src/contract/spans.ts'

interface FakeRequest {
  path: string
  publicKey: string
  /** Ids of spans or scores. */
  ids: string[]
  bytes: number
  at: number
}

/** What to answer instead of accepting: a status, or a function that answers itself. */
type Fault = number | ((response: ServerResponse) => void)

/** A server that takes spans and scores as Langfuse does, and refuses what Langfuse refuses. */
export interface FakeLangfuse {
  readonly url: string
  readonly port: number
  /** Every request, also those that were not accepted. */
  readonly requests: FakeRequest[]
  /** How often each span or score was accepted. */
  readonly accepted: Map<string, number>
  /** Called for each request; undefined accepts it. */
  answer: (request: FakeRequest) => Fault | undefined
  close(): Promise<void>
}

/** Starts a server that knows `keys`: public to secret. */
export async function startFakeLangfuse(
  keys: Readonly<Record<string, string>>,
  port = 0,
): Promise<FakeLangfuse> {
  const requests: FakeRequest[] = []
  const accepted = new Map<string, number>()
  const http = createServer((message, response) => void handle(message, response))
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  const actual = (http.address() as AddressInfo).port
  const server: FakeLangfuse = {
    url: `http://127.0.0.1:${actual}`,
    port: actual,
    requests,
    accepted,
    answer: () => undefined,
    async close() {
      http.close()
      http.closeAllConnections()
      await once(http, 'close')
    },
  }
  return server

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk)
    const { headers, url: path = '' } = message
    const sent = Buffer.concat(chunks)
    const zipped = headers['content-encoding'] === 'gzip'
    const [publicKey = '', secretKey] = Buffer.from(
      `${headers.authorization}`.replace('Basic ', ''),
      'base64',
    )
      .toString()
      .split(':')
    const isScores = path === '/api/public/ingestion'
    if (isScores && zipped) return end(response, 400, 'Invalid JSON')
    const body = zipped ? gunzipSync(sent) : sent
    let ids: string[]
    try {
      ids = isScores ? scoreIds(body) : spanIds(body)
    } catch {
      return end(response, 400, 'cannot be decoded')
    }
    const request = { path, publicKey, ids, bytes: body.length, at: performance.now() }
    requests.push(request)
    if (keys[publicKey] === undefined || keys[publicKey] !== secretKey)
      return end(response, 401, 'Invalid credentials')
    const fault = server.answer(request)
    if (typeof fault === 'function') return fault(response)
    if (fault !== undefined) return end(response, fault, 'as the test wants it')
    for (const id of ids) accepted.set(id, (accepted.get(id) ?? 0) + 1)
    if (!isScores) return void response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    response.writeHead(207, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ successes: ids.map(id => ({ id, status: 201 })), errors: [] }))
  }
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message: text }))
}

/** Ids of the spans in a body, in order. */
function spanIds(body: Uint8Array): string[] {
  return [...spansOf(body)].map(span => {
    for (const field of readFields(span))
      if (field.number === 2) return Buffer.from(field.content).toString('hex')
    throw new Error('a span without an id')
  })
}

function scoreIds(body: Buffer): string[] {
  return JSON.parse(body.toString('utf8')).batch.map((event: { body: { id: string } }) => event.body.id)
}
