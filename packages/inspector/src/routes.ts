import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { receiveSpans } from './otlp-endpoint.ts'
import { printable } from './printable.ts'
import { json, mediaType, type Reply } from './reply.ts'
import { readBody } from './request-body.ts'
import { RequestError } from './request-error.ts'
import { ingestBatch, parseScore, type Score } from './score.ts'
import { toTraceRecord, toTraceSummary } from './trace-record.ts'
import type { TraceStore } from './trace-store.ts'

/** One path of the server: how it answers each method that it knows. */
export interface Route {
  path: RegExp
  methods: Record<string, (request: IncomingMessage, match: RegExpExecArray) => Reply | Promise<Reply>>
}

/** What the routes share. */
export interface RouteContext {
  store: TraceStore
  maxBodyBytes: number
  countRejected(spans: number): void
}

/** Everything the server answers: what Langfuse's SDK calls, and what shows the traces. */
export function createRoutes({ store, maxBodyBytes, countRejected }: RouteContext): Route[] {
  const receive = async (request: IncomingMessage): Promise<Reply> => {
    const { reply, rejected } = await receiveSpans(request, maxBodyBytes, store.addSpans)
    countRejected(rejected)
    return reply
  }
  const keepScore = (score: Score): void => store.addScore(score)

  return [
    { path: /^\/(?:api\/public\/otel\/)?v1\/traces$/, methods: { POST: receive } },
    {
      path: /^\/api\/public\/health$/,
      methods: { GET: () => json(200, { status: 'OK', version: 'inspector' }) },
    },
    {
      path: /^\/api\/public\/ingestion$/,
      methods: {
        POST: async request => json(207, ingestBatch(await readJson(request, maxBodyBytes), keepScore)),
      },
    },
    {
      path: /^\/api\/public\/scores$/,
      methods: {
        POST: async request => {
          const { id, score } = parseScore(await readJson(request, maxBodyBytes))
          if (score) keepScore(score)
          return json(200, { id })
        },
      },
    },
    {
      // Media are not kept: no upload URL tells the SDK that the file is already there.
      path: /^\/api\/public\/media$/,
      methods: {
        POST: async request => {
          await readJson(request, maxBodyBytes)
          return json(201, { mediaId: randomUUID(), uploadUrl: null })
        },
      },
    },
    {
      path: /^\/api\/traces$/,
      methods: { GET: () => json(200, { traces: newestFirst(store).map(toTraceSummary) }) },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})$/i,
      methods: {
        GET: (_request, match) => {
          const trace = store.trace(match[1]!)
          return trace ? json(200, toTraceRecord(trace)) : json(404, { message: 'no such trace' })
        },
      },
    },
    {
      path: /^\/$/,
      methods: {
        GET: () => ({ statusCode: 200, contentType: 'text/plain; charset=utf-8', body: overview(store) }),
      },
    },
  ]
}

async function readJson(request: IncomingMessage, maxBodyBytes: number): Promise<unknown> {
  // Browsers send JSON across sites only after asking first, and nothing here answers yes.
  if (mediaType(request) !== 'application/json')
    throw new RequestError(415, 'Content-Type must be application/json')
  const body = await readBody(request, maxBodyBytes)
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw new RequestError(400, 'the body is not JSON')
  }
}

function newestFirst(store: TraceStore): ReturnType<TraceStore['traces']> {
  return store.traces().toReversed()
}

function overview(store: TraceStore): string {
  const lines = newestFirst(store).map(
    trace => `${trace.id}  ${trace.level.padEnd(7)}  ${printable(trace.name)}`,
  )
  return `${lines.length} trace${lines.length === 1 ? '' : 's'} received\n\n${lines.join('\n')}\n`
}
