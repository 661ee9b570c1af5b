import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { watchCreatedRequests } from '@langfuse-middleware/llm-calls'
import { isForwarded, outgoingHeader, type ReceivedHeaders, TRACE_HEADERS } from './trace-headers.ts'

/** What happens to outgoing requests. */
export interface OutgoingRequests<Trace> {
  /** The trace that a request made now belongs to. */
  current(): Trace | undefined
  /** The headers to add to a request to `url`; undefined for none. */
  headersFor(url: URL): Readonly<Record<string, string>> | undefined
  /** The headers of the incoming request that the trace is of. */
  received(trace: Trace): ReceivedHeaders | undefined
  /** Called where a request that was given headers is answered with 5xx. */
  failed(trace: Trace): void
}

interface UndiciRequest {
  readonly method: string
  readonly origin: string | URL
  readonly path: string
  /** Names and values in turn; text in undici 5. */
  headers: string | unknown[]
  addHeader(name: string, value: string): void
}

/** The headers of a request that has not been sent. */
interface HeaderAccess {
  get(name: string): unknown
  /** Sets a header, or removes it if there is no value. */
  set(name: string, value: string | undefined): void
}

type Listener = (message: unknown, name: string | symbol) => void

/**
 * Adds headers to requests of `fetch`, undici and `node:http`, whichever was imported first and how; returns what stops it.
 */
export function watchOutgoingRequests<Trace>(outgoing: OutgoingRequests<Trace>): () => void {
  const callers = new WeakMap<object, Trace>()
  const stops: (() => void)[] = []

  listen('undici:request:create', message => {
    const { request } = message as { request: UndiciRequest }
    // A proxy is asked to connect, and gets nothing of the request that follows.
    if (request.method === 'CONNECT') return
    add(request, () => targetOf(String(request.origin), request.path), undiciHeaders(request))
  })
  listen('undici:request:headers', message => {
    const { request, response } = message as { request: object; response: { statusCode: number } }
    answered(request, response.statusCode)
  })
  listen('http.client.response.finish', message => {
    const { request, response } = message as { request: object; response: IncomingMessage }
    answered(request, response.statusCode ?? 0)
  })
  stops.push(watchCreatedRequests(request => guarded(() => created(request))))

  return () => {
    for (const stop of stops) stop()
  }

  function listen(channel: string, work: (message: unknown) => void): void {
    const listener: Listener = message => guarded(() => work(message))
    subscribe(channel, listener)
    stops.push(() => unsubscribe(channel, listener))
  }

  function created(request: ClientRequest): void {
    if (request.headersSent || request.method === 'CONNECT') return
    add(request, () => urlOf(request), {
      get: name => request.getHeader(name),
      set: (name, value) => {
        if (value === undefined) request.removeHeader(name)
        else request.setHeader(name, value)
      },
    })
  }

  function add(request: object, url: () => URL, access: HeaderAccess): void {
    const caller = outgoing.current()
    const headers = caller && outgoing.headersFor(url())
    if (caller === undefined || headers === undefined) return
    callers.set(request, caller)
    const received = outgoing.received(caller)
    // A forwarded tracestate belongs to the forwarded traceparent.
    for (const name of [TRACE_HEADERS.traceState, TRACE_HEADERS.sessionId]) {
      if (headers[name] === undefined && isForwarded(name, access.get(name), received))
        access.set(name, undefined)
    }
    for (const [name, value] of Object.entries(headers)) {
      const added = outgoingHeader(name, value, access.get(name), received)
      if (added !== undefined) access.set(name, added)
    }
  }

  function answered(request: object, statusCode: number): void {
    const caller = callers.get(request)
    if (caller !== undefined && statusCode >= 500) outgoing.failed(caller)
  }
}

function guarded(work: () => void): void {
  try {
    work()
  } catch {
    // The request goes on without our headers.
  }
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

/** Undici has a public method that adds a header, and none that replaces one. */
function undiciHeaders(request: UndiciRequest): HeaderAccess {
  return {
    get: name => valuesOf(request.headers, name),
    set(name, value) {
      if (valuesOf(request.headers, name) !== undefined) request.headers = without(request.headers, name)
      if (value !== undefined) request.addHeader(name, value)
    },
  }
}

/** The values of a header, joined; undefined if it is not set. A value that mentions the name is no header. */
function valuesOf(headers: string | unknown[], name: string): string | undefined {
  const lines = typeof headers === 'string' ? linesOf(headers) : pairsOf(headers)
  const values = lines.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.flat().join(',')
}

function without(headers: string | unknown[], name: string): string | unknown[] {
  if (typeof headers !== 'string')
    return pairsOf(headers)
      .filter(([key]) => key.toLowerCase() !== name)
      .flat(1)
  const kept = linesOf(headers).filter(([key]) => key.toLowerCase() !== name)
  return kept.map(([key, value]) => `${key}: ${value}\r\n`).join('')
}

function linesOf(text: string): [string, string][] {
  return text
    .split('\r\n')
    .filter(line => line !== '')
    .map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
}

function pairsOf(list: readonly unknown[]): [string, unknown][] {
  return list.flatMap((name, index) => (index % 2 === 0 ? [[String(name), list[index + 1]]] : []))
}
