import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { printable } from '../basics/printable.ts'
import { RequestError } from '../basics/request-error.ts'
import { encodeJson } from '../otlp/otlp-encode.ts'
import { type LangfuseProject, sendTrace } from '../outgoing/langfuse-sender.ts'
import type { TraceParts } from '../store/trace-entry.ts'
import type { TraceSearch } from '../store/trace-search.ts'
import type { TraceStore } from '../store/trace-store.ts'
import { formatTrace } from '../terminal/trace-view.ts'
import type { LiveFeed } from './live-feed.ts'
import { readPageAssets } from './page-assets.ts'
import { json, type Reply } from './reply.ts'
import type { Route } from './route.ts'
import { outlineTrace } from './trace-outline.ts'

/** What the page's routes share. */
export interface PageContext {
  store: TraceStore
  feed: LiveFeed
  search: TraceSearch['find']
  project: LangfuseProject | undefined
  clear(): Promise<void>
}

/** What the web page asks for: itself, traces piece by piece, and what its buttons do. */
export function createPageRoutes({ store, feed, search, project, clear }: PageContext): Route[] {
  const assets = readPageAssets()
  const found = ([, id = '']: RegExpExecArray): TraceParts => {
    const parts = store.parts(id)
    if (!parts) throw new RequestError(404, 'no such trace')
    return parts
  }
  const page = (request: IncomingMessage, otherwise: () => Reply): Reply =>
    assets && request.headers.accept?.includes('text/html') ? assets.page : otherwise()

  return [
    {
      path: /^\/$/,
      methods: { GET: request => page(request, () => plain(overview(store))) },
    },
    {
      path: /^\/(?:sessions|users|compare)(?:\/[^/]+){0,2}$/,
      methods: { GET: request => page(request, () => plain('open this address in a browser\n')) },
    },
    {
      path: /^\/traces\/([0-9a-f]{32})$/i,
      methods: {
        GET: (request, match) =>
          page(request, () => {
            const trace = store.trace(match[1]!)
            return trace ? plain(`${formatTrace(trace, { width: 120 })}\n`) : plain('no such trace\n', 404)
          }),
      },
    },
    {
      // Where the SDK's getTraceUrl leads to.
      path: /^\/project\/[^/]+\/traces\/([0-9a-f]{32})$/i,
      methods: {
        GET: (_request, match) => ({
          ...plain('', 302),
          headers: { location: `/traces/${match[1]!.toLowerCase()}` },
        }),
      },
    },
    {
      path: /^\/assets\/[\w.-]+$/,
      methods: {
        GET: (_request, match) => assets?.asset(match[0]) ?? json(404, { message: 'no such asset' }),
      },
    },
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
        GET: ({ url }) => {
          const query = new URL(url!, 'http://localhost').searchParams.get('q') ?? ''
          return json(200, { ids: [...search(query)] })
        },
      },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/outline$/i,
      methods: {
        GET: (_request, match) => {
          const parts = found(match)
          const summary = store.summary(match[1]!)
          return json(200, { summary, scores: parts.scores, observations: outlineTrace(parts) })
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
        GET: () => json(200, { traces: store.summaries().toReversed() }),
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

function plain(body: string, statusCode = 200): Reply {
  return { statusCode, contentType: 'text/plain; charset=utf-8', body, headers: { vary: 'accept' } }
}

function overview(store: TraceStore): string {
  const lines = store
    .summaries()
    .toReversed()
    .map(trace => `${trace.id}  ${trace.level.padEnd(7)}  ${printable(trace.name)}`)
  return `${lines.length} trace${lines.length === 1 ? '' : 's'} received\n\n${lines.join('\n')}\n`
}
