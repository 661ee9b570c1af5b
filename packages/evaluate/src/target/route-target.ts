import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { invalidOption } from '../basics/evaluate-error.ts'

/** A Fastify application. */
interface FastifyLike {
  ready(): PromiseLike<unknown>
  routing: RequestListener
}

/** An application that answers web-standard requests, such as Hono's. */
interface FetchLike {
  fetch(request: Request): Response | Promise<Response>
}

/** A Koa application. */
interface KoaLike {
  callback(): RequestListener
}

/** An app to evaluate in this process: Express, Fastify, Koa, Hono, or any listener of `node:http`. */
export type EvaluatedApp = RequestListener | FastifyLike | KoaLike | FetchLike

/** Where requests of a run go. */
export interface RouteTarget {
  send(url: URL, init: RequestInit): Promise<Response>
  readonly baseUrl: string
  close(): Promise<void>
}

/** A target that is already running elsewhere. */
export function remoteTarget(url: string): RouteTarget {
  return { baseUrl: url, send: (target, init) => fetch(target, init), close: async () => {} }
}

/** Serves an app on a free loopback port, or calls its `fetch`. */
export async function startTarget(app: EvaluatedApp): Promise<RouteTarget> {
  const listener = await listenerOf(app)
  if (listener === undefined) {
    const { fetch: handle } = app as FetchLike
    return {
      baseUrl: 'http://localhost',
      send: async (url, init) => handle.call(app, new Request(url, init)),
      close: async () => {},
    }
  }
  const server = createServer(listener)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    send: (url, init) => fetch(url, init),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function listenerOf(app: EvaluatedApp): Promise<RequestListener | undefined> {
  if (isFastify(app)) {
    await app.ready()
    return app.routing
  }
  if (typeof app === 'function') return app
  if (typeof (app as KoaLike | undefined)?.callback === 'function') return (app as KoaLike).callback()
  if (typeof (app as FetchLike | undefined)?.fetch === 'function') return undefined
  throw invalidOption('app', 'an Express, Fastify, Koa or Hono app, or a (request, response) listener', app)
}

function isFastify(app: EvaluatedApp): app is FastifyLike {
  const candidate = app as Partial<FastifyLike> | undefined
  return typeof candidate?.ready === 'function' && typeof candidate.routing === 'function'
}
