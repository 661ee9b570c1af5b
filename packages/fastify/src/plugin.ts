import type { EventEmitter } from 'node:events'
import {
  checkRouteOptions,
  createRequestTracer,
  getTracing,
  MiddlewareError,
  type MiddlewareOptions,
  type RequestTrace,
} from '@langfuse-middleware/core/adapter'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { withoutRegisterOptions } from './register-options.ts'

/** How requests are traced, and how tracing starts if nothing has started it. */
export type LangfusePluginOptions = MiddlewareOptions<FastifyRequest>

interface TracedRequest extends FastifyRequest {
  [kTrace]: RequestTrace | undefined
}

const kTrace = Symbol('langfuse-middleware.trace')

// Async, because Fastify takes what a callback plugin throws for a crash of the process.
const plugin: FastifyPluginAsync<LangfusePluginOptions> = async (fastify, options) => {
  if (fastify.hasRequestDecorator('langfuse')) {
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_ALREADY_REGISTERED',
      'langfusePlugin is registered twice here; register it once, on the outermost instance whose requests are to be traced',
    )
  }
  const tracer = createRequestTracer(withoutRegisterOptions(options))

  fastify.decorateRequest(kTrace, undefined)
  fastify.decorateRequest('langfuse', {
    getter(this: FastifyRequest) {
      const request = this as TracedRequest
      // A handler of a request that came in before any hook ran, or around them all, still finds a trace.
      request[kTrace] ??= tracer.start(request, false)
      return request[kTrace]
    },
  })

  fastify.addHook('onRoute', ({ config }) => {
    if (config?.langfuse) checkRouteOptions(config.langfuse)
  })
  fastify.addHook('onRequest', (request, reply, next) => {
    // Read now: a handler that calls callNotFound() makes the request one without a route.
    const { routeOptions } = request
    const { url } = routeOptions
    const trace = tracer.start(request, configOf(request, routeOptions)?.langfuse)
    ;(request as TracedRequest)[kTrace] = trace
    trace.endWith(reply.raw, () => url)
    trace.bind(request.raw)
    trace.bind(reply.raw)
    trace.run(next)
  })
  // No other hook hears of a stream that breaks once its headers are out.
  fastify.addHook('onSend', (request, reply, payload, next) => {
    if (isStream(payload)) payload.on('error', error => request.langfuse.fail(error))
    // Plugins that compress do so in hooks of the routes, which run after this one.
    next(null, request.langfuse.sends(payload, reply))
  })
  fastify.addHook('onError', (request, _reply, error, next) => {
    request.langfuse.fail(error)
    next()
  })
  fastify.addHook('onClose', async () => {
    await getTracing()?.flush()
  })
}

function isStream(payload: unknown): payload is EventEmitter {
  return typeof payload === 'object' && payload !== null && 'pipe' in payload
}

type MatchedRoute = FastifyRequest['routeOptions']

function configOf(request: FastifyRequest, options: MatchedRoute): MatchedRoute['config'] | undefined {
  if ('config' in options) return options.config
  // Fastify 4.10, the first to have routeOptions, keeps it on the request.
  return (request as { routeConfig?: MatchedRoute['config'] }).routeConfig
}

/**
 * Traces every request of the instance it is registered on, and of its children. Tracing starts here, from `options` and LANGFUSE_*
 * variables, unless it runs already. Registration fails with a MiddlewareError on a wrong option; no request ever does.
 */
export const langfusePlugin: FastifyPluginAsync<LangfusePluginOptions> = fastifyPlugin(plugin, {
  name: '@langfuse-middleware/fastify',
  fastify: '>=4.10.0 <6',
})
