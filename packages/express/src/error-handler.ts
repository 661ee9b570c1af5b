import type { ErrorRequestHandler, Request } from 'express'

const failed = new WeakSet<Request>()

/** Records the error itself, where the middleware alone sees only the status, and passes it on. Put it before your error handlers. */
export function langfuseErrorHandler(): ErrorRequestHandler {
  return function langfuseError(error, request, _response, next) {
    failed.add(request)
    request.langfuse?.fail(error)
    next(error)
  }
}

/** Whether an error is known to have left a handler of this request. */
export function hasFailed(request: Request): boolean {
  // Express 5's router keeps the errors it has seen, from 2.3 on, under this registered symbol.
  const seen = (request as { [errors]?: Set<unknown> })[errors]
  return failed.has(request) || (seen?.size ?? 0) > 0
}

const errors: unique symbol = Symbol.for('router.tracing.publishedErrors') as never
