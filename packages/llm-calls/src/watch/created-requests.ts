import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'

type Request = (...args: unknown[]) => ClientRequest

/**
 * Calls `created` with each request of node:http and node:https before it leaves; returns what stops it. Node.js publishes them on
 * `http.client.request.created` since 22.12. Before, `http.request` and `http.get` are replaced while this runs.
 * @see https://nodejs.org/api/diagnostics_channel.html#http
 */
export function watchCreatedRequests(created: (request: ClientRequest) => void): () => void {
  if (!publishesCreated()) return replaceRequest(created)
  const listener = (message: unknown) => created((message as { request: ClientRequest }).request)
  subscribe('http.client.request.created', listener)
  return () => unsubscribe('http.client.request.created', listener)
}

function publishesCreated(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 12)
}

function replaceRequest(created: (request: ClientRequest) => void): () => void {
  let stopped = false
  // Not by OpenTelemetry's instrumentation: only one can run, and it would take the place of another tracer's.
  const clients = [require('node:http'), require('node:https')] as { request: Request; get: Request }[]
  const restore = clients.map(client => {
    const { request, get } = client

    function watchedRequest(this: unknown, ...args: unknown[]): ClientRequest {
      const made = request.apply(this, args)
      if (!stopped) created(made)
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
      // Another tracer may have wrapped ours by now. Then it stays, and does nothing.
      if (client.request === watchedRequest) client.request = request
      if (client.get === watchedGet) client.get = get
    }
  })
  syncBuiltinESMExports()

  return () => {
    stopped = true
    for (const undo of restore) undo()
    syncBuiltinESMExports()
  }
}
