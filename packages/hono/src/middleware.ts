import type { ServerResponse } from 'node:http'
import {
  createRequestTracer,
  type MiddlewareOptions,
  refuseRequest,
  within,
} from '@langfuse-middleware/core/adapter'
import type { Context, MiddlewareHandler } from 'hono'
import { FetchResponse } from './fetch-response.ts'
import { bodyOf, type HonoRequest, type NodeBindings, requestOf } from './request.ts'
import { routeTemplate } from './route-template.ts'

/** Options of `langfuseMiddleware`: how to trace requests, and how to start tracing if it has not started. */
export type LangfuseMiddlewareOptions = MiddlewareOptions<HonoRequest>

/**
 * Traces every request that passes it. Use it first. Starts tracing from `options` and LANGFUSE_* variables unless it has started.
 *
 * @throws MiddlewareError if an option is wrong; never on a request
 * @example app.use(langfuseMiddleware({ ignore: ['/health'] }))
 */
export function langfuseMiddleware(options?: LangfuseMiddlewareOptions): MiddlewareHandler {
  refuseRequest('langfuseMiddleware', options)
  const tracer = createRequestTracer(options)
  return async function langfuse(context: Context, next) {
    const outer = context.get('langfuse')
    if (outer !== undefined) return within(outer, next)
    const { incoming, outgoing } = (context.env ?? {}) as NodeBindings
    // Served by something other than Node.js's server, such as `app.request()` or an adapter of a serverless platform.
    const fetched = outgoing === undefined ? new FetchResponse() : undefined
    const request = requestOf(context)
    const traced = tracer.start(request)
    tracer.attempt(() => {
      context.set('langfuse', traced.trace)
      traced.endWith(outgoing ?? (fetched as unknown as ServerResponse), () => routeTemplate(context))
      if (incoming !== undefined) traced.bindEmitter(incoming)
      if (outgoing !== undefined) traced.bindEmitter(outgoing)
    })
    await within(traced.trace, next)
    request.body = await bodyOf(context)
    // Hono has answered the error by now, by the app's `onError` or with 500.
    if (context.error !== undefined) traced.fail(context.error)
    tracer.attempt(() => {
      if (fetched !== undefined) context.res = fetched.pass(context.res, error => traced.fail(error))
    })
  }
}
