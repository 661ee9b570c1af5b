import {
  checkRouteOptions,
  type RouteOptions,
  refuseRequest,
  refuseUncalled,
  within,
} from '@langfuse-middleware/core/adapter'
import type { Middleware } from './middleware.ts'

/**
 * Options of one route: `false` to not trace it, otherwise its name, tags, metadata, sampling or capture. Without options it only enters the
 * context of the request again, for use after a middleware that continues from a shared callback.
 *
 * @throws MiddlewareError if an option is wrong
 * @example polka().get('/health', traceRoute(false), handler)
 */
export function traceRoute(options?: RouteOptions | false): Middleware {
  refuseRequest('traceRoute', options)
  if (options !== false && options !== undefined) checkRouteOptions(options)
  return function langfuseRoute(request, _response, next) {
    if (options === false) request.langfuse?.skip()
    else if (options !== undefined) request.langfuse?.configure(options)
    return within(request.langfuse, next)
  }
}

refuseUncalled(traceRoute)
