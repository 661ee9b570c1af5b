export {
  createFeedbackReceiver,
  type Feedback,
  type FeedbackAnswer,
  type FeedbackOptions,
  type FeedbackReceiver,
} from './feedback.ts'
export { MiddlewareError } from './middleware-error.ts'
export type { Outcome, RequestEnd } from './outcome.ts'
export type { RequestLike } from './request-like.ts'
export { checkRouteOptions, type MiddlewareOptions, type RouteOptions } from './request-options.ts'
export type { RequestTrace } from './request-trace.ts'
export { createRequestTracer, type RequestTracer } from './request-tracer.ts'
export { getTracing } from './tracing.ts'
