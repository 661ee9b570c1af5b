import {
  checkRouteOptions,
  type RouteOptions,
  refuseRequest,
  within,
} from '@langfuse-middleware/core/adapter'
import type { Middleware } from 'koa'

/**
 * Options of one route: `false` to not trace it, otherwise its name, tags, metadata, sampling or capture. Without options it only enters the
 * context of the request again, for use after a middleware that continues from a shared callback.
 *
 * @throws MiddlewareError if an option is wrong
 * @example router.get('/health', traceRoute(false), ctx => { ctx.body = 'ok' })
 */
export function traceRoute(options?: RouteOptions | false): Middleware {
  refuseRequest('traceRoute', options)
  if (options !== false && options !== undefined) checkRouteOptions(options)
  return function langfuseRoute(ctx, next) {
    if (options === false) ctx.langfuse?.skip()
    else if (options !== undefined) ctx.langfuse?.configure(options)
    return within(ctx.langfuse, next)
  }
}
