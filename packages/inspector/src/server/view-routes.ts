import type { IncomingMessage } from 'node:http'
import { printable } from '../basics/printable.ts'
import type { TraceStore } from '../store/trace-store.ts'
import { formatTrace } from '../terminal/trace-view.ts'
import { readPageAssets } from './page-assets.ts'
import { json, plain, type Reply } from './reply.ts'
import type { Route } from './route.ts'

/** The page at each of its addresses, which clients other than browsers get as text. */
export function createViewRoutes(store: TraceStore): Route[] {
  const assets = readPageAssets()
  const page = (request: IncomingMessage, otherwise: () => Reply): Reply =>
    assets && request.headers.accept?.includes('text/html') ? assets.page : otherwise()

  return [
    {
      path: /^\/$/,
      methods: { GET: request => page(request, () => plain(overview(store))) },
    },
    {
      path: /^\/(?:sessions|users|compare|overview|playground)(?:\/[^/]+){0,2}$/,
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
  ]
}

/** The answer for addresses that no route knows: browsers get the page, which says so. */
export function createFallback(): (request: IncomingMessage) => Reply | undefined {
  const assets = readPageAssets()
  return ({ method, headers }) =>
    assets && method === 'GET' && headers.accept?.includes('text/html')
      ? { ...assets.page, statusCode: 404 }
      : undefined
}

function overview(store: TraceStore): string {
  const lines = store
    .summaries()
    .toReversed()
    .map(trace => `${trace.id}  ${trace.level.padEnd(7)}  ${printable(trace.name)}`)
  return `${lines.length} trace${lines.length === 1 ? '' : 's'} received\n\n${lines.join('\n')}\n`
}
