import { refuseRequest, refuseUncalled, tracedRequestOf, within } from '@langfuse-middleware/core/adapter'
import type { ErrorRequestHandler, Request } from 'express'

const failed = new WeakSet<Request>()

/**
 * Records the error of a request and passes it on. Put it before your error handlers. Without it a trace shows the status alone.
 *
 * @example app.use(langfuseErrorHandler())
 */
export function langfuseErrorHandler(noOptions?: undefined): ErrorRequestHandler {
  refuseRequest('langfuseErrorHandler', noOptions)
  return function langfuseError(error, request, _response, next) {
    failed.add(request)
    tracedRequestOf(request)?.fail(error)
    within(request.langfuse, next, error)
  }
}

refuseUncalled(langfuseErrorHandler)

/** True if an error left a handler of this request. */
export function hasFailed(request: Request): boolean {
  // Router 2.3 and later, of Express 5.3, keeps the errors it has seen under this registered symbol.
  const seen = (request as { [errors]?: Set<unknown> })[errors]
  return failed.has(request) || (seen?.size ?? 0) > 0
}

const errors: unique symbol = Symbol.for('router.tracing.publishedErrors') as never
