import type { IncomingMessage, RequestListener } from 'node:http'
import { RequestError } from '../basics/request-error.ts'
import { encodeStatus } from './otlp-endpoint.ts'
import { isOwnOrigin } from './own-origin.ts'
import { json, mediaType, type Reply, send } from './reply.ts'
import { isOwnHost } from './request-host.ts'
import type { Route } from './route.ts'

/** Answers requests from a list of routes; nothing that a request contains makes it throw. */
export function createRequestHandler(
  routes: Route[],
  allowedHosts: readonly string[],
  fallback: (request: IncomingMessage) => Reply | undefined,
): RequestListener {
  const reply = async (request: IncomingMessage): Promise<Reply> => {
    if (!isOwnHost(request.headers.host, allowedHosts)) {
      return refusal(
        request,
        403,
        'this host name is not allowed: use localhost, an IP address, or allowedHosts',
      )
    }
    if (!isOwnOrigin(request)) return refusal(request, 403, 'pages of other origins are not allowed')
    // A base URL that ends in a slash makes clients ask for //api.
    const path = (request.url ?? '').split('?')[0]!.replace(/^\/+/, '/')
    for (const route of routes) {
      const match = route.path.exec(path)
      if (!match) continue
      const answer = route.methods[request.method ?? '']
      if (answer) return await answer(request, match)
      const allow = Object.keys(route.methods).join(', ')
      return { ...refusal(request, 405, `only ${allow} is answered here`), headers: { allow } }
    }
    const page = fallback(request)
    if (page) return page
    return refusal(request, 404, 'nothing is here: send spans to /api/public/otel/v1/traces')
  }

  return (request, response) => {
    reply(request)
      .catch(error =>
        refusal(request, error instanceof RequestError ? error.statusCode : 500, (error as Error).message),
      )
      .then(answer => send(response, answer))
      // The client is gone: there is nobody left to answer.
      .catch(() => response.destroy())
  }
}

function refusal(request: IncomingMessage, statusCode: number, message: string): Reply {
  const contentType = mediaType(request)
  return contentType.endsWith('protobuf')
    ? { statusCode, contentType: 'application/x-protobuf', body: encodeStatus(message) }
    : json(statusCode, { message })
}
