import type { RequestTrace } from '@langfuse-middleware/core/adapter'

export type { RequestTrace, RouteOptions } from '@langfuse-middleware/core/adapter'
export { type LangfuseMiddlewareOptions, langfuseMiddleware } from './middleware.ts'
export type { HonoRequest } from './request.ts'
export { traceRoute } from './trace-route.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The trace of this request. */
    langfuse: RequestTrace
  }
}
