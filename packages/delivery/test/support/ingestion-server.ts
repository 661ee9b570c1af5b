import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { ScoreEvent } from '../../src/index.ts'

/** A fake of the ingestion endpoint that refuses what Langfuse refuses. */
export interface IngestionServer {
  readonly url: string
  /** Every request's scores, by name, also of those that were turned away. */
  readonly requests: string[][]
  /** Headers of the last request. */
  readonly headers: IncomingHttpHeaders
  /** Events it took, in order. */
  readonly taken: ScoreEvent[]
  /** Answers a request before it is read as one of scores; returns true where it has. */
  answer: (response: ServerResponse, request: number) => boolean
  /** The status of one event: 201 takes it. */
  statusOf: (event: ScoreEvent) => number
  close(): Promise<void>
}

/** Starts one on loopback. */
export async function startIngestionServer(port = 0): Promise<IngestionServer> {
  const requests: string[][] = []
  const taken: ScoreEvent[] = []
  let headers: IncomingHttpHeaders = {}
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    headers = request.headers
    const sent = Buffer.concat(chunks)
    const body = headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    const batch: ScoreEvent[] = JSON.parse(body.toString('utf8')).batch
    requests.push(batch.map(event => event.body.name))
    if (server.answer(response, requests.length)) return
    const answers = batch.map(event => ({ id: event.id, status: server.statusOf(event) }))
    taken.push(...batch.filter((_event, index) => answers[index]!.status === 201))
    response.writeHead(207, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        successes: answers.filter(({ status }) => status === 201),
        errors: answers
          .filter(({ status }) => status !== 201)
          .map(answer => ({ ...answer, message: 'not this one' })),
      }),
    )
  }).listen(port, '127.0.0.1')
  await once(http, 'listening')
  const server: IngestionServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    get headers() {
      return headers
    },
    taken,
    answer: () => false,
    statusOf: () => 201,
    async close() {
      http.close()
      http.closeAllConnections()
      await once(http, 'close')
    },
  }
  return server
}
