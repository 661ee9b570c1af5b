import {
  checkRouteOptions,
  type RouteOptions,
  refuseRequest,
  within,
} from '@langfuse-middleware/core/adapter'
import type { MiddlewareHandler } from 'hono'

/**
 * Options of one route: `false` to not trace it, otherwise its name, tags, metadata, sampling or capture. Without options it only enters the
 * context of the request again, for use after a middleware that continues from a shared callback.
 *
 * @throws MiddlewareError if an option is wrong
 * @example app.get('/health', traceRoute(false), c => c.text('ok'))
 */
export function traceRoute(options?: RouteOptions | false): MiddlewareHandler {
  refuseRequest('traceRoute', options)
  if (options !== false && options !== undefined) checkRouteOptions(options)
  return async function langfuseRoute(context, next) {
    const trace = context.get('langfuse')
    if (options === false) trace?.skip()
    else if (options !== undefined) trace?.configure(options)
    await within(trace, next)
  }
}
