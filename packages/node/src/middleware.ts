import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  createRequestTracer,
  type MiddlewareOptions,
  refuseRequest,
  refuseUncalled,
  tracedRequestOf,
  within,
} from '@langfuse-middleware/core/adapter'
import { type Routes, resolveRoutes } from './route-template.ts'

/** Options of `langfuseMiddleware` and `traceListener`. */
export interface LangfuseMiddlewareOptions extends MiddlewareOptions<IncomingMessage> {
  /**
   * Templates that name traces, because a server without a router has none: a list of which the first that matches counts, or a function.
   *
   * @default none: a trace is named by its method alone
   * @example ['/users/:id', '/files/*']
   */
  routes?: Routes
}

/** A middleware of Connect and polka. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => unknown,
) => unknown

/**
 * Traces every request that passes it, in Connect, polka and other routers that call `(request, response, next)`. Use it first. Starts tracing
 * from `options` and LANGFUSE_* variables unless it has started. A second one enters the context of the request again.
 *
 * @throws MiddlewareError if an option is wrong; never on a request
 * @example connect().use(langfuseMiddleware({ routes: ['/users/:id'] }))
 */
export function langfuseMiddleware({ routes, ...options }: LangfuseMiddlewareOptions = {}): Middleware {
  refuseRequest('langfuseMiddleware', options)
  const routeOf = resolveRoutes(routes)
  const tracer = createRequestTracer(options)
  return function langfuse(request, response, next) {
    if (request.langfuse !== undefined) return within(request.langfuse, next)
    const traced = tracer.start(request)
    tracer.attempt(() => {
      request.langfuse = traced.trace
      traced.endWith(response, () => routeOf(request))
      traced.bindEmitter(request)
      traced.bindEmitter(response)
    })
    return within(traced.trace, next)
  }
}

refuseUncalled(langfuseMiddleware)

/** Records an error that left the app's code. */
export function recordError(request: IncomingMessage, error: unknown): void {
  tracedRequestOf(request)?.fail(error)
}
