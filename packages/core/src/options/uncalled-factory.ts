import { isRecord, MiddlewareError } from '@langfuse-middleware/delivery/options'

/**
 * Throws if `options` is a framework's request or context: the factory `name` was itself registered as a middleware, instead of its result.
 *
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION
 */
export function refuseRequest(name: string, options: unknown): void {
  if (!isRecord(options)) return
  // Express and Node.js hand over a request, Koa and Hono a context with `req`. No option has these names.
  const isRequest = 'headers' in options && 'method' in options
  if (isRequest || 'req' in options) throw uncalled(name)
}

/**
 * Makes `app.use(factory)` throw at once in Express and Connect, which read `handle` of every function they are given.
 *
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION, from `app.use`
 */
export function refuseUncalled(factory: (...args: never[]) => unknown): void {
  Object.defineProperty(factory, 'handle', {
    get() {
      throw uncalled(factory.name)
    },
  })
}

function uncalled(name: string): MiddlewareError {
  return new MiddlewareError(
    'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
    `${name} must be called to make a middleware: use ${name}() instead of ${name}`,
  )
}
