import { createRequestTracer, type MiddlewareOptions } from '@langfuse-middleware/core/adapter'
import type { Request, RequestHandler } from 'express'
import { type Application, outermost } from './mounts.ts'
import { routeTemplate } from './route-template.ts'

/** How requests are traced, and how tracing starts if nothing has started it. */
export type LangfuseMiddlewareOptions = MiddlewareOptions<Request>

/**
 * Traces every request that passes it. Put it before the routes, once; tracing starts here, from `options` and LANGFUSE_* variables,
 * unless it runs already. Throws a MiddlewareError on a wrong option, and never on a request.
 */
export function langfuseMiddleware(options?: LangfuseMiddlewareOptions): RequestHandler {
  const tracer = createRequestTracer(options)
  return function langfuse(request, response, next) {
    // Mounted twice, on the app and on a router for instance: the outer one traces.
    if (request.langfuse !== undefined) return next()
    const trace = tracer.start(request)
    request.langfuse = trace
    // A router may be used without any application.
    const app = request.app as unknown as Application | undefined
    const root = app && outermost(app)
    trace.endWith(response, () => root && routeTemplate(request, root))
    trace.bind(request)
    trace.bind(response)
    trace.run(next)
  }
}
