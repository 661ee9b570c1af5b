import type { ClientRequest } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'

type Request = (...args: unknown[]) => ClientRequest

/**
 * Calls `created` with each request of `node:http` and `node:https` before it leaves, on a Node that does not tell of them; returns what
 * stops it. Not by OpenTelemetry's instrumentation: of those there is one at a time, and it would take the place of another tracer's.
 */
export function watchHttp(created: (request: ClientRequest) => void): () => void {
  let stopped = false
  const undo = ['http', 'https'].map(name => {
    const client = process.getBuiltinModule(name) as { request: Request; get: Request }
    const { request, get } = client

    function watchedRequest(this: unknown, ...args: unknown[]): ClientRequest {
      const made = request.apply(this, args)
      if (!stopped) tell(made)
      return made
    }
    // The original ends the request before anybody could be told of it.
    function watchedGet(this: unknown, ...args: unknown[]): ClientRequest {
      const made = watchedRequest.apply(this, args)
      made.end()
      return made
    }
    client.request = watchedRequest
    client.get = watchedGet
    return () => {
      // Another tracer may have wrapped ours by now, and then it stays, and does nothing.
      if (client.request === watchedRequest) client.request = request
      if (client.get === watchedGet) client.get = get
    }
  })
  syncBuiltinESMExports()

  function tell(request: ClientRequest): void {
    try {
      created(request)
    } catch {
      // A request without our headers is a request all the same.
    }
  }

  return () => {
    stopped = true
    for (const restore of undo) restore()
    syncBuiltinESMExports()
  }
}
