import { checkRouteOptions, type RouteOptions } from '@langfuse-middleware/core/adapter'
import type { RequestHandler } from 'express'

/** Says how one route is traced: `traceRoute(false)` not at all, otherwise by name, tags, metadata, sampling or capture of its own. */
export function traceRoute(options: RouteOptions | false): RequestHandler {
  if (options !== false) checkRouteOptions(options)
  return function langfuseRoute(request, _response, next) {
    if (options === false) request.langfuse?.skip()
    else request.langfuse?.configure(options)
    next()
  }
}
