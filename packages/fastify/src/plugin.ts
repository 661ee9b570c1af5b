import type { EventEmitter } from 'node:events'
import {
  checkRouteOptions,
  createRequestTracer,
  enterRequestsOf,
  getTracing,
  MiddlewareError,
  type MiddlewareOptions,
  type TracedRequest,
  within,
} from '@langfuse-middleware/core/adapter'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { withoutRegisterOptions } from './register-options.ts'

/** Options of `langfusePlugin`: how to trace requests, and how to start tracing if it has not started. */
export type LangfusePluginOptions = MiddlewareOptions<FastifyRequest>

interface BoundRequest extends FastifyRequest {
  [kTraced]: TracedRequest | undefined
}

const kTraced: unique symbol = Symbol.for('langfuse-middleware.fastify.request') as never

/** Fastify 5 reports every call of a route's handler here. */
const HANDLER_CHANNEL = 'fastify.request.handler'

// Async, because Fastify lets the process crash if a callback plugin throws.
const plugin: FastifyPluginAsync<LangfusePluginOptions> = async (fastify, options) => {
  if (fastify === undefined) {
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      'langfusePlugin must be registered, not called: use register(langfusePlugin, options) instead of register(langfusePlugin(options))',
    )
  }
  if (fastify.hasRequestDecorator('langfuse')) {
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_ALREADY_REGISTERED',
      'langfusePlugin is already registered on this instance or a parent; register it once, on the outermost instance whose requests are to be traced',
    )
  }
  const tracer = createRequestTracer(withoutRegisterOptions(options))

  const tracedOf = (request: FastifyRequest): TracedRequest => {
    const bound = request as BoundRequest
    // The handler of a request that arrived before the hooks were added, or that bypasses them, still finds a trace.
    bound[kTraced] ??= tracer.start(request, false)
    return bound[kTraced]
  }

  fastify.decorateRequest(kTraced, undefined)
  fastify.decorateRequest('langfuse', {
    getter(this: FastifyRequest) {
      return tracedOf(this).trace
    },
  })

  fastify.addHook('onRoute', ({ config }) => {
    if (config?.langfuse !== undefined && config.langfuse !== false) checkRouteOptions(config.langfuse)
  })
  fastify.addHook('onRequest', (request, reply, next) => {
    // Read now, because reply.callNotFound() makes the request one without a route.
    const { routeOptions } = request
    const { url } = routeOptions
    const traced = tracer.start(request, configOf(request, routeOptions)?.langfuse ?? {})
    ;(request as BoundRequest)[kTraced] = traced
    tracer.attempt(() => {
      traced.endWith(reply.raw, () => url)
      traced.bindEmitter(request.raw)
      traced.bindEmitter(reply.raw)
    })
    within(traced.trace, next)
  })
  keepContext(fastify)
  // No other hook sees a stream that breaks after its headers were sent.
  fastify.addHook('onSend', (request, reply, payload, next) => {
    if (isStream(payload)) payload.on('error', error => tracedOf(request).fail(error))
    within(request.langfuse, next, null, tracedOf(request).sends(payload, reply))
  })
  // Plugins that compress do so in hooks of the routes. The payload is read again around each of these hooks.
  fastify.addHook('onRoute', route => {
    const hooks = [route.onSend ?? []].flat()
    route.onSend = [readPayload, ...hooks.flatMap(hook => [hook, readPayload])] as never
  })
  fastify.addHook('onError', (request, _reply, error, next) => {
    tracedOf(request).fail(error)
    within(request.langfuse, next)
  })
  fastify.addHook('onClose', async () => {
    await getTracing()?.flush()
  })
}

/** Reads a payload that hooks of the app may have changed, until one of them encodes it. */
function readPayload(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  next: (error: null, payload: unknown) => void,
): void {
  const traced = (request as BoundRequest)[kTraced]
  next(null, reply.hasHeader('content-encoding') ? payload : (traced?.sends(payload, reply) ?? payload))
}

/** Enters the context of a request again after each kind of hook, because a hook may have continued from a shared callback. */
function keepContext(fastify: FastifyInstance): void {
  fastify.addHook('preParsing', (request, _reply, payload, next) => {
    within(request.langfuse, next, null, payload)
  })
  fastify.addHook('preValidation', enterAgain)
  fastify.addHook('preHandler', enterAgain)
  enterRequestsOf<{ request: BoundRequest }>(HANDLER_CHANNEL, ({ request }) => request[kTraced])
  if (!fastify.version.startsWith('4.')) return
  // Fastify 4 has no channel, but a hook of the route runs after those of the instance.
  fastify.addHook('onRoute', route => {
    route.preHandler = [route.preHandler ?? [], enterAgain].flat()
  })
}

function enterAgain(request: FastifyRequest, _reply: FastifyReply, next: () => void): void {
  within(request.langfuse, next)
}

function isStream(payload: unknown): payload is EventEmitter {
  return typeof payload === 'object' && payload !== null && 'pipe' in payload && 'on' in payload
}

type MatchedRoute = FastifyRequest['routeOptions']

function configOf(request: FastifyRequest, options: MatchedRoute): MatchedRoute['config'] | undefined {
  if ('config' in options) return options.config
  // Fastify 4.10, the first to have routeOptions, keeps it on the request.
  return (request as { routeConfig?: MatchedRoute['config'] }).routeConfig
}

/**
 * Traces every request of the instance it is registered on, and of its children. Starts tracing from `options` and LANGFUSE_* variables
 * unless it has started.
 *
 * @throws MiddlewareError from `register` if an option is wrong; never on a request
 * @example await fastify.register(langfusePlugin, { ignore: ['/health'] })
 */
export const langfusePlugin: FastifyPluginAsync<LangfusePluginOptions> = fastifyPlugin(plugin, {
  name: '@langfuse-middleware/fastify',
  fastify: '>=4.10.0 <6',
})
