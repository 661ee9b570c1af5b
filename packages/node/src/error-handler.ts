import type { IncomingMessage, ServerResponse } from 'node:http'
import { refuseUncalled, within } from '@langfuse-middleware/core/adapter'
import { recordError } from './middleware.ts'

/** An error handler of Connect, and the option `onError` of polka. */
export type ErrorHandler = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error: unknown) => unknown,
) => unknown

/**
 * Records the error of a request and passes it on. Without it a trace shows the status alone.
 *
 * @example connect().use(langfuseErrorHandler())
 */
export function langfuseErrorHandler(): ErrorHandler {
  return function langfuseError(error, request, _response, next) {
    recordError(request, error)
    return within(request.langfuse, next, error)
  }
}

refuseUncalled(langfuseErrorHandler)
