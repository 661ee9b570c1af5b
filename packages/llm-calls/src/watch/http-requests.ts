import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { watchCreatedRequests } from './created-requests.ts'
import { endOf, type ObserveRequest, type RequestObserver } from './outgoing-request.ts'
import { watchMethod } from './own-property.ts'

/** Watches the requests of node:http and node:https; returns what stops it. */
export function watchHttp(observe: ObserveRequest): () => void {
  const observers = new WeakMap<object, RequestObserver>()
  const errors = new WeakMap<object, unknown>()

  const stopCreated = watchCreatedRequests(request => {
    const observer = observe({
      method: request.method,
      path: request.path,
      host: () => request.host,
      port: () => portOf(request),
      headers: () =>
        Object.entries(request.getHeaders()).map(([name, value]) => [name, String(value)] as const),
    })
    if (observer === undefined) return
    observers.set(request, observer)
    watchRequest(request, observer, errors)
  })
  const onResponse = (message: unknown) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
    const observer = observers.get(request)
    if (observer !== undefined) watchResponse(response, observer, errors)
  }
  const onError = (message: unknown) => {
    const { request, error } = message as { request: object; error: unknown }
    if (observers.has(request) && !errors.has(request)) errors.set(request, error)
  }
  subscribe('http.client.response.finish', onResponse)
  subscribe('http.client.request.error', onError)

  return () => {
    stopCreated()
    unsubscribe('http.client.response.finish', onResponse)
    unsubscribe('http.client.request.error', onError)
  }
}

/** An error that `destroy` was called with: what the app ended the exchange by. */
const ABORTED = Symbol('aborted')

function watchRequest(
  request: ClientRequest,
  observer: RequestObserver,
  errors: WeakMap<object, unknown>,
): void {
  // After the original, so that nothing delays the bytes.
  watchMethod(request, 'write', ([chunk, encoding]) => take(chunk, encoding), 'after')
  watchMethod(
    request,
    'end',
    ([chunk, encoding]) => {
      take(chunk, encoding)
      observer.requestEnd()
    },
    'after',
  )
  watchMethod(request, 'destroy', ([error]) => noteAbort(request, error, errors))
  // A listener for this event changes nothing for the app, as one for errors would.
  request.once('close', () => {
    const error = errors.get(request)
    const { res: response } = request as { res?: IncomingMessage }
    if (response?.complete === true && error === undefined) observer.end('completed')
    else if (error === undefined) observer.end('connection_closed')
    else end(observer, error)
  })

  function take(chunk: unknown, encoding: unknown): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    if (typeof encoding === 'string') observer.requestChunk(chunk, encoding as BufferEncoding)
    else observer.requestChunk(chunk)
  }
}

function watchResponse(
  response: IncomingMessage,
  observer: RequestObserver,
  errors: WeakMap<object, unknown>,
): void {
  observer.responseHead({
    statusCode: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
  })
  watchMethod(response, 'push', ([chunk]) => {
    if (chunk instanceof Uint8Array) observer.responseChunk(chunk)
    else if (chunk === null && response.complete) observer.end('completed')
  })
  watchMethod(response, 'destroy', ([error]) => {
    const { req: request } = response as { req?: object }
    if (request !== undefined && !response.complete && !isFromSocket(error)) noteAbort(request, error, errors)
  })
}

function noteAbort(request: object, error: unknown, errors: WeakMap<object, unknown>): void {
  if (!errors.has(request)) errors.set(request, error ?? ABORTED)
}

function end(observer: RequestObserver, error: unknown): void {
  if (error === ABORTED) observer.end('client_aborted')
  else observer.end(endOf(error), error)
}

/** Node itself destroys a response with this error if the socket closes before its end. */
function isFromSocket(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET'
}

function portOf(request: ClientRequest): number | undefined {
  const [, port] = /:(\d+)$/.exec(String(request.getHeader('host') ?? '')) ?? []
  return port === undefined ? undefined : Number(port)
}
