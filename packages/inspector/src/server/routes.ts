import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { ingestBatch, ingestScores, parseScore, type Score } from '../reading/score.ts'
import { toTraceRecord } from '../reading/trace-record.ts'
import { createLoopRoutes, type LoopContext } from './loop-routes.ts'
import { receiveSpans } from './otlp-endpoint.ts'
import { createPageRoutes, type PageContext } from './page-routes.ts'
import { createReplayRoutes, type ReplayContext } from './replay-routes.ts'
import { json, type Reply } from './reply.ts'
import { readJson } from './request-json.ts'
import type { Route } from './route.ts'
import { createViewRoutes } from './view-routes.ts'

/** What the routes share. */
export interface RouteContext extends PageContext, LoopContext, ReplayContext {
  maxBodyBytes: number
  /** Keeps spans; returns a reason for each one that found no room. */
  keepSpans(spans: OtlpSpan[]): string[]
  keepRunning(spans: OtlpSpan[]): string[]
  keepScore(score: Score): void
  countRejected(spans: number): void
}

const itself = { id: 'inspector', name: 'inspector' }

/** Everything the server answers: what Langfuse's SDK calls, and what shows the traces. */
export function createRoutes(context: RouteContext): Route[] {
  const { store, maxBodyBytes, keepScore, countRejected } = context
  const receive =
    (keep: (spans: OtlpSpan[]) => string[]) =>
    async (request: IncomingMessage): Promise<Reply> => {
      const { reply, rejected } = await receiveSpans(request, maxBodyBytes, keep)
      countRejected(rejected)
      return reply
    }

  return [
    { path: /^\/(?:api\/public\/otel\/)?v1\/traces$/, methods: { POST: receive(context.keepSpans) } },
    { path: /^\/api\/running$/, methods: { POST: receive(context.keepRunning) } },
    {
      path: /^\/api\/running\/([0-9a-f]{32})$/i,
      methods: {
        DELETE: (_request, match) => {
          store.forgetRunning(match[1]!)
          return json(200, {})
        },
      },
    },
    {
      path: /^\/api\/public\/health$/,
      methods: { GET: () => json(200, { status: 'OK', version: 'inspector' }) },
    },
    {
      // What a client asks to know that its keys are right, and which project's pages to link to.
      path: /^\/api\/public\/projects$/,
      methods: {
        GET: () => json(200, { data: [{ ...itself, metadata: {}, organization: itself }] }),
      },
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
          const body = await readJson(request, maxBodyBytes)
          if (Array.isArray(body)) {
            const answer = ingestScores(body, keepScore)
            return answer.rejected > 0 ? json(207, answer) : json(202, { message: 'Accepted' })
          }
          const { id, score } = parseScore(body)
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
      path: /^\/api\/traces\/([0-9a-f]{32})$/i,
      methods: {
        GET: (_request, match) => {
          const trace = store.trace(match[1]!)
          return trace ? json(200, toTraceRecord(trace)) : json(404, { message: 'no such trace' })
        },
      },
    },
    ...createViewRoutes(store),
    ...createPageRoutes(context),
    ...createLoopRoutes(context),
    ...createReplayRoutes(context),
  ]
}
