import {
  checkRouteOptions,
  createRequestTracer,
  getTracing,
  MiddlewareError,
  type MiddlewareOptions,
  type RequestTrace,
} from '@langfuse-middleware/core/adapter'
import type { FastifyPluginCallback, FastifyRequest, RegisterOptions } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** How requests are traced, and how tracing starts if nothing has started it. */
export type LangfusePluginOptions = MiddlewareOptions<FastifyRequest>

interface TracedRequest extends FastifyRequest {
  [kTrace]: RequestTrace | undefined
}

const kTrace = Symbol('langfuse-middleware.trace')

const plugin: FastifyPluginCallback<LangfusePluginOptions> = (fastify, options, done) => {
  if (fastify.hasRequestDecorator('langfuse')) {
    return done(
      new MiddlewareError(
        'LANGFUSE_MIDDLEWARE_ALREADY_REGISTERED',
        'langfusePlugin is registered twice here; register it once, on the outermost instance whose requests are to be traced',
      ),
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
    const trace = tracer.start(request, request.routeOptions.config?.langfuse)
    ;(request as TracedRequest)[kTrace] = trace
    trace.endWith(reply.raw, () => request.routeOptions.url)
    trace.bind(request.raw)
    trace.bind(reply.raw)
    trace.run(next)
  })
  fastify.addHook('onError', (request, _reply, error, next) => {
    request.langfuse.fail(error)
    next()
  })
  fastify.addHook('onClose', async () => {
    await getTracing()?.flush()
  })
  done()
}

/** What `register` takes for itself comes in with the plugin's own options. */
function withoutRegisterOptions(options: LangfusePluginOptions & RegisterOptions): LangfusePluginOptions {
  const { prefix, logLevel, logSerializers, ...own } = options
  return own
}

/**
 * Traces every request of the instance it is registered on, and of its children. Tracing starts here, from `options` and LANGFUSE_*
 * variables, unless it runs already. Registration fails with a MiddlewareError on a wrong option; no request ever does.
 */
export const langfusePlugin: FastifyPluginCallback<LangfusePluginOptions> = fastifyPlugin(plugin, {
  name: '@langfuse-middleware/fastify',
  fastify: '>=4.10.0 <6',
})
