import {
  checkRouteOptions,
  type RouteOptions,
  refuseRequest,
  refuseUncalled,
  within,
} from '@langfuse-middleware/core/adapter'
import type { RequestHandler } from 'express'

/**
 * Options of one route: `false` to not trace it, otherwise its name, tags, metadata, sampling or capture. Without options it only enters the
 * context of the request again, which Express below 5.3 needs after a middleware that continues from a shared callback.
 *
 * @throws MiddlewareError if an option is wrong
 * @example app.get('/health', traceRoute(false), handler)
 */
export function traceRoute(options?: RouteOptions | false): RequestHandler {
  refuseRequest('traceRoute', options)
  if (options !== false && options !== undefined) checkRouteOptions(options)
  return function langfuseRoute(request, _response, next) {
    if (options === false) request.langfuse?.skip()
    else if (options !== undefined) request.langfuse?.configure(options)
    within(request.langfuse, next)
  }
}

refuseUncalled(traceRoute)
