import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RequestError } from '../basics/request-error.ts'
import { encodeJson } from '../otlp/otlp-encode.ts'
import { type LangfuseProject, sendTrace } from '../outgoing/langfuse-sender.ts'
import type { PriceOf } from '../reading/price-of.ts'
import { matchesFilters, parseQuery } from '../reading/trace-query.ts'
import type { TraceSummary } from '../reading/trace-summary.ts'
import type { TraceParts } from '../store/trace-entry.ts'
import { findSpans, type TraceSearch } from '../store/trace-search.ts'
import type { TraceStore } from '../store/trace-store.ts'
import type { LiveFeed } from './live-feed.ts'
import { json, type Reply } from './reply.ts'
import type { Route } from './route.ts'
import { outlineTrace } from './trace-outline.ts'

/** What the page's routes share. */
export interface PageContext {
  store: TraceStore
  feed: LiveFeed
  search: TraceSearch['find']
  project: LangfuseProject | undefined
  priceOf: PriceOf
  clear(): Promise<void>
}

/** What the web page asks for: traces piece by piece, and what its buttons do. */
export function createPageRoutes({ store, feed, search, project, priceOf, clear }: PageContext): Route[] {
  const found = ([, id = '']: RegExpExecArray): TraceParts => {
    const parts = store.parts(id)
    if (!parts && store.wasDropped(id))
      throw new RequestError(410, 'this trace was dropped to make room for newer ones')
    if (!parts) throw new RequestError(404, 'no such trace')
    return parts
  }

  return [
    {
      path: /^\/api\/events$/,
      methods: {
        GET: () => ({
          statusCode: 200,
          contentType: 'text/event-stream',
          body: '',
          stream: response => {
            if (!feed.attach(response)) response.end()
          },
        }),
      },
    },
    {
      path: /^\/api\/inspector$/,
      methods: { GET: () => json(200, { name: 'langfuse-inspector', sendsTo: project?.baseUrl ?? null }) },
    },
    {
      path: /^\/api\/search$/,
      methods: {
        GET: request => json(200, { ids: [...search(queryOf(request))] }),
      },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/find$/i,
      methods: {
        GET: (request, match) => {
          const { ended, running } = found(match)
          return json(200, { ids: findSpans([...ended, ...running], queryOf(request)) })
        },
      },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/outline$/i,
      methods: {
        GET: (_request, match) => {
          const parts = found(match)
          const summary = store.summary(match[1]!)
          return json(200, { summary, scores: parts.scores, observations: outlineTrace(parts, priceOf) })
        },
      },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/spans\/([0-9a-f]{16})$/i,
      methods: {
        GET: (_request, match) => {
          const { ended, running } = found(match)
          const span = [...ended, ...running].find(({ spanId }) => spanId === match[2]!.toLowerCase())
          return span ? json(200, span) : json(404, { message: 'no such span' })
        },
      },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/export$/i,
      methods: {
        GET: (_request, match) => ({
          ...download(`trace-${match[1]}.json`),
          body: encodeJson(found(match).ended),
        }),
      },
    },
    {
      path: /^\/api\/export$/,
      methods: {
        GET: () => ({
          ...download('traces.jsonl'),
          stream: response => {
            // A reader that leaves half-way is no error of ours.
            pipeline(Readable.from(exportLines(store)), response).catch(() => {})
          },
        }),
      },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/send$/i,
      methods: {
        POST: async (_request, match) => {
          if (!project)
            throw new RequestError(
              409,
              'no keys: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, or the option sendTo',
            )
          try {
            await sendTrace(found(match), project)
          } catch (error) {
            if (error instanceof RequestError) throw error
            throw new RequestError(502, (error as Error).message)
          }
          return json(200, { sentTo: project.baseUrl })
        },
      },
    },
    {
      path: /^\/api\/traces$/,
      methods: {
        GET: request =>
          json(200, { traces: listTraces(store, search, request), dropped: store.stats().evictedTraces }),
        DELETE: async () => {
          await clear()
          return json(200, {})
        },
      },
    },
  ]
}

function* exportLines(store: TraceStore): Generator<string> {
  for (const id of store.ids()) {
    const parts = store.parts(id)
    if (parts && parts.ended.length > 0) yield `${encodeJson(parts.ended)}\n`
  }
}

function download(name: string): Reply {
  return {
    statusCode: 200,
    contentType: name.endsWith('l') ? 'application/x-ndjson' : 'application/json',
    body: '',
    headers: { 'content-disposition': `attachment; filename="${name}"` },
  }
}

function queryOf({ url }: IncomingMessage): string {
  return new URL(url!, 'http://localhost').searchParams.get('q') ?? ''
}

/** Summaries, newest first: all of them, or those that the parameters `q` and `limit` ask for. */
function listTraces(
  store: TraceStore,
  search: TraceSearch['find'],
  { url }: IncomingMessage,
): TraceSummary[] {
  const { searchParams } = new URL(url!, 'http://localhost')
  const { filters, text, without } = parseQuery(searchParams.get('q') ?? '')
  const ids = text === '' ? undefined : search(text)
  const excluded = without.map(words => search(words))
  const limit = Number(searchParams.get('limit') ?? Number.POSITIVE_INFINITY)
  return store
    .summaries()
    .toReversed()
    .filter(
      trace =>
        (!ids || ids.has(trace.id)) &&
        !excluded.some(found => found.has(trace.id)) &&
        matchesFilters(trace, filters),
    )
    .slice(0, Number.isNaN(limit) ? undefined : limit)
}
