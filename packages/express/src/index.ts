import type { RequestTrace } from '@langfuse-middleware/core/adapter'

export type { Feedback, FeedbackOptions, RequestTrace, RouteOptions } from '@langfuse-middleware/core/adapter'
export { langfuseErrorHandler } from './error-handler.ts'
export { feedbackRoute } from './feedback-route.ts'
export { type LangfuseMiddlewareOptions, langfuseMiddleware } from './middleware.ts'
export { traceRoute } from './trace-route.ts'

declare global {
  namespace Express {
    interface Request {
      /** The trace of this request. */
      langfuse: RequestTrace
    }
  }
}
