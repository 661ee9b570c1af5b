import type { EventEmitter } from 'node:events'
import {
  createRequestTracer,
  type MiddlewareOptions,
  refuseRequest,
  within,
} from '@langfuse-middleware/core/adapter'
import type { Context, Middleware } from 'koa'
import { type KoaRequest, requestOf } from './request.ts'
import { routeTemplate } from './route-template.ts'

/** Options of `langfuseMiddleware`: how to trace requests, and how to start tracing if it has not started. */
export type LangfuseMiddlewareOptions = MiddlewareOptions<KoaRequest>

/**
 * Traces every request that passes it. Use it first. Starts tracing from `options` and LANGFUSE_* variables unless it has started. A second
 * one, further down, enters the context of the request again.
 *
 * @throws MiddlewareError if an option is wrong; never on a request
 * @example app.use(langfuseMiddleware({ ignore: ['/health'] }))
 */
export function langfuseMiddleware(options?: LangfuseMiddlewareOptions): Middleware {
  refuseRequest('langfuseMiddleware', options)
  const tracer = createRequestTracer(options)
  return async function langfuse(ctx: Context, next: () => Promise<unknown>) {
    if (ctx.langfuse !== undefined) return within(ctx.langfuse, next)
    const traced = tracer.start(requestOf(ctx))
    tracer.attempt(() => {
      ctx.langfuse = traced.trace
      traced.endWith(ctx.res, () => routeTemplate(ctx))
      traced.bindEmitter(ctx.req)
      traced.bindEmitter(ctx.res)
    })
    try {
      await within(traced.trace, next)
    } catch (error) {
      traced.fail(error)
      throw error
    }
    // Koa pipes the body once all middleware is done, and its error is no middleware's.
    if (isStream(ctx.body)) ctx.body.on('error', error => traced.fail(error))
    if (ctx.respond !== false && ctx.body != null)
      tracer.attempt(() => send(ctx, traced.sends(ctx.body, ctx.res)))
  }
}

/** Replaces the body by what observes it, which leaves its type and length as they are. */
function send(ctx: Context, body: unknown): void {
  if (body === ctx.body) return
  const { type, length } = ctx.response
  ctx.body = body
  ctx.type = type
  if (length !== undefined) ctx.length = length
}

function isStream(body: unknown): body is EventEmitter {
  return typeof body === 'object' && body !== null && 'pipe' in body && 'on' in body
}
