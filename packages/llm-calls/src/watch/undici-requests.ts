import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { endOf, type ObserveRequest, type RequestObserver, rawHeader, rawPairs } from './outgoing-request.ts'
import { watchMethod } from './own-property.ts'

/** undici's Request, of which there may be several versions in a process. */
interface UndiciRequest {
  readonly origin?: string | URL
  readonly path: string
  readonly method: string
  readonly headers: unknown
}

interface UndiciMessage {
  readonly request: UndiciRequest
  readonly response: { readonly statusCode: number; readonly headers: unknown }
  readonly error: unknown
  readonly chunk: Uint8Array
}

/**
 * Watches the requests of the global fetch and of every undici in the process. Bodies are seen by own properties of the one request: undici
 * publishes them since version 7.11, and Node.js since 24, while an app may bring an older one. Returns what stops it.
 */
export function watchUndici(observe: ObserveRequest): () => void {
  const observers = new WeakMap<object, RequestObserver>()
  // Requests of a future undici whose methods have other names: the channels tell of them.
  const byChannel = new WeakSet<object>()
  const stops: (() => void)[] = []

  function listen(channel: string, seen: (message: UndiciMessage) => void): void {
    const listener = (message: unknown) => seen(message as UndiciMessage)
    subscribe(channel, listener)
    stops.push(() => unsubscribe(channel, listener))
  }

  listen('undici:request:create', ({ request }) => {
    let parsed: URL | undefined
    const url = () => {
      // The path may be a whole URL, as a proxy gets it.
      parsed ??= new URL(
        request.path.startsWith('/') ? '/' : request.path,
        String(request.origin ?? 'http://localhost'),
      )
      return parsed
    }
    const observer = observe({
      method: request.method,
      path: request.path,
      host: () => url().hostname,
      port: () => Number(url().port) || undefined,
      headers: () => rawPairs(request.headers),
    })
    if (observer === undefined) return
    observers.set(request, observer)
    const methods = request as unknown as Record<string, unknown>
    // undici 8 renamed onData.
    const onData = ['onResponseData', 'onData'].find(name => typeof methods[name] === 'function')
    if (onData === undefined || typeof methods.onBodySent !== 'function') {
      byChannel.add(request)
      return
    }
    watchMethod(request, 'onBodySent', ([chunk]) => observer.requestChunk(chunk as Uint8Array))
    watchMethod(request, onData, ([chunk]) => observer.responseChunk(chunk as Uint8Array))
  })
  listen('undici:request:bodyChunkSent', ({ request, chunk }) => {
    if (byChannel.has(request)) observers.get(request)?.requestChunk(chunk)
  })
  listen('undici:request:bodyChunkReceived', ({ request, chunk }) => {
    if (byChannel.has(request)) observers.get(request)?.responseChunk(chunk)
  })
  listen('undici:request:bodySent', ({ request }) => observers.get(request)?.requestEnd())
  listen('undici:request:headers', ({ request, response }) => {
    const { statusCode, headers } = response
    observers.get(request)?.responseHead({ statusCode, header: name => rawHeader(headers, name) })
  })
  listen('undici:request:trailers', ({ request }) => observers.get(request)?.end('completed'))
  listen('undici:request:error', ({ request, error }) => observers.get(request)?.end(endOf(error), error))

  return () => {
    for (const stop of stops) stop()
  }
}
