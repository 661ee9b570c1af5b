import type { RequestTrace } from '@langfuse-middleware/core/adapter'

export type { RequestTrace, RouteOptions } from '@langfuse-middleware/core/adapter'
export { langfuseErrorHandler } from './error-handler.ts'
export { type LangfuseMiddlewareOptions, langfuseMiddleware } from './middleware.ts'
export type { Routes } from './route-template.ts'
export { traceListener } from './trace-listener.ts'
export { traceRoute } from './trace-route.ts'

declare module 'http' {
  interface IncomingMessage {
    /** The trace of this request. */
    langfuse: RequestTrace
  }
}
