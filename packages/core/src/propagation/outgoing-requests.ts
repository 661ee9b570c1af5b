import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { watchHttp } from './outgoing-http.ts'
import { TRACE_HEADERS } from './trace-headers.ts'

/** What happens to outgoing requests. */
export interface OutgoingRequests<Trace> {
  /** The trace that a request made now belongs to. */
  current(): Trace | undefined
  /** The headers to add to a request to `url`; undefined for none. */
  headersFor(url: URL): Readonly<Record<string, string>> | undefined
  /** Called where a request that was given headers is answered with 5xx. */
  failed(trace: Trace): void
}

interface UndiciRequest {
  readonly method: string
  readonly origin: string | URL
  readonly path: string
  readonly headers: string | readonly unknown[]
  addHeader(name: string, value: string): void
}

type Listener = (message: unknown, name: string | symbol) => void

/**
 * Adds headers to requests of `fetch`, undici and `node:http`, whichever was imported first and how; returns what stops it. Node tells of
 * a request by `node:http` before it leaves from 22.12 on only (https://nodejs.org/api/diagnostics_channel.html#http).
 */
export function watchOutgoingRequests<Trace>(outgoing: OutgoingRequests<Trace>): () => void {
  const callers = new WeakMap<object, Trace>()
  const stops: (() => void)[] = []

  listen('undici:request:create', message => {
    const { request } = message as { request: UndiciRequest }
    // A proxy is asked to connect, and gets nothing of the request that follows.
    if (request.method === 'CONNECT') return
    add(
      request,
      () => targetOf(String(request.origin), request.path),
      (name, value) => {
        // What the app or another tracer has set stays, for two of one would be none; of baggage there may be several.
        const taken =
          name !== TRACE_HEADERS.baggage && new RegExp(`\\b${name}\\b`, 'i').test(String(request.headers))
        if (!taken) request.addHeader(name, value)
      },
    )
  })
  listen('undici:request:headers', message => {
    const { request, response } = message as { request: object; response: { statusCode: number } }
    answered(request, response.statusCode)
  })
  listen('http.client.response.finish', message => {
    const { request, response } = message as { request: object; response: IncomingMessage }
    answered(request, response.statusCode ?? 0)
  })
  if (announcesRequests()) {
    listen('http.client.request.created', message => created((message as { request: ClientRequest }).request))
  } else {
    stops.push(watchHttp(created))
  }

  return () => {
    for (const stop of stops) stop()
  }

  function listen(channel: string, work: (message: unknown) => void): void {
    const listener: Listener = message => {
      try {
        work(message)
      } catch {
        // A request without our headers is a request all the same.
      }
    }
    subscribe(channel, listener)
    stops.push(() => unsubscribe(channel, listener))
  }

  function created(request: ClientRequest): void {
    if (request.headersSent || request.method === 'CONNECT') return
    add(
      request,
      () => urlOf(request),
      (name, value) => setOnce(request, name, value),
    )
  }

  function add(request: object, url: () => URL, set: (name: string, value: string) => void): void {
    const caller = outgoing.current()
    const headers = caller && outgoing.headersFor(url())
    if (caller === undefined || headers === undefined) return
    callers.set(request, caller)
    for (const [name, value] of Object.entries(headers)) set(name, value)
  }

  function answered(request: object, statusCode: number): void {
    const caller = callers.get(request)
    if (caller !== undefined && statusCode >= 500) outgoing.failed(caller)
  }
}

function announcesRequests(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 12)
}

/** Where a request goes: to the host that it connects to, whatever its `Host` header says, which a proxy may have kept. */
function urlOf(request: ClientRequest): URL {
  const target = targetOf(`${request.protocol}//${hostname(request.host)}`, request.path)
  const named = `${request.protocol}//${request.getHeader('host')}`
  // Node keeps the port in the header alone.
  if (URL.canParse(named) && new URL(named).hostname === target.hostname) target.port = new URL(named).port
  return target
}

/** A path may begin with `//` or be a whole URL, and changes nothing of the origin. */
function targetOf(origin: string, path: string): URL {
  const url = new URL(origin)
  const [pathname = '', query] = path.startsWith('/') ? path.split('?', 2) : []
  url.pathname = pathname
  url.search = query ?? ''
  return url
}

function hostname(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

/** What the app set by itself stays. */
function setOnce(request: ClientRequest, name: string, value: string): void {
  const own = request.getHeader(name)
  if (own === undefined) request.setHeader(name, value)
  else if (name === 'baggage') request.setHeader(name, `${String(own)},${value}`)
}
