import type { IncomingMessage, ServerResponse } from 'node:http'
import { type LangfuseMiddlewareOptions, langfuseMiddleware, recordError } from './middleware.ts'

/**
 * Traces every request of a server without a framework.
 *
 * @throws MiddlewareError if an option is wrong; never on a request
 * @example createServer(traceListener((request, response) => { response.end('hello') }, { routes: ['/'] }))
 */
export function traceListener(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
  options?: LangfuseMiddlewareOptions,
): (request: IncomingMessage, response: ServerResponse) => unknown {
  const middleware = langfuseMiddleware(options)
  return function langfuseListener(request, response) {
    return middleware(request, response, () => recorded(request, () => listener(request, response)))
  }
}

/** Calls `listener`, records what it throws or rejects with, and leaves both to Node.js. */
function recorded(request: IncomingMessage, listener: () => unknown): unknown {
  const failed = (error: unknown): never => {
    recordError(request, error)
    throw error
  }
  try {
    const result = listener()
    return result instanceof Promise ? result.catch(failed) : result
  } catch (error) {
    return failed(error)
  }
}
