import {
  createRequestTracer,
  enterRequestsOf,
  type MiddlewareOptions,
  refuseRequest,
  refuseUncalled,
  tracedRequestOf,
  within,
} from '@langfuse-middleware/core/adapter'
import type { Request, RequestHandler } from 'express'
import { type Application, outermost } from './mounts.ts'
import { routeTemplate } from './route-template.ts'

/** Options of `langfuseMiddleware`: how to trace requests, and how to start tracing if it has not started. */
export type LangfuseMiddlewareOptions = MiddlewareOptions<Request>

/**
 * Traces every request that passes it. Put it before the routes. Starts tracing from `options` and LANGFUSE_* variables unless it has
 * started. A second one, further down, enters the context of the request again.
 *
 * @throws MiddlewareError if an option is wrong; never on a request
 * @example app.use(langfuseMiddleware({ ignore: ['/health'] }))
 */
export function langfuseMiddleware(options?: LangfuseMiddlewareOptions): RequestHandler {
  refuseRequest('langfuseMiddleware', options)
  const tracer = createRequestTracer(options)
  enterRequestsOf<{ req: Request }>(ROUTER_CHANNEL, ({ req }) => tracedRequestOf(req))
  return function langfuse(request, response, next) {
    if (request.langfuse !== undefined) return within(request.langfuse, next)
    const traced = tracer.start(request)
    tracer.attempt(() => {
      request.langfuse = traced.trace
      // A router may be used without any application.
      const app = request.app as unknown as Application | undefined
      const root = app && outermost(app)
      traced.endWith(response, () => root && routeTemplate(request, root))
      traced.bindEmitter(request)
      traced.bindEmitter(response)
    })
    within(traced.trace, next)
  }
}

refuseUncalled(langfuseMiddleware)

/** Router 2.3, of Express 5.3, reports every middleware and handler it calls here. */
const ROUTER_CHANNEL = 'express.router.request'
