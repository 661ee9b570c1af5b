import type { RequestTrace } from '@langfuse-middleware/core/adapter'

export type { RequestTrace, RouteOptions } from '@langfuse-middleware/core/adapter'
export { type LangfuseMiddlewareOptions, langfuseMiddleware } from './middleware.ts'
export type { KoaRequest } from './request.ts'
export { traceRoute } from './trace-route.ts'

declare module 'koa' {
  interface DefaultContext {
    /** The trace of this request. */
    langfuse: RequestTrace
  }
}
