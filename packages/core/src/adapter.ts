export { MiddlewareError } from '@langfuse-middleware/delivery/options'
export {
  createFeedbackReceiver,
  type Feedback,
  type FeedbackAnswer,
  type FeedbackOptions,
  type FeedbackReceiver,
} from './api/feedback.ts'
export { createRequestTracer, type RequestTracer } from './api/request-tracer.ts'
export { tracedRequestOf } from './context/emitter-binding.ts'
export { enterRequestsOf, within } from './context/request-channel.ts'
export type { RequestTrace, TracedRequest } from './context/request-trace.ts'
export type { Outcome, RequestEnd } from './http/outcome.ts'
export type { RequestLike } from './http/request-like.ts'
export { checkRouteOptions, type MiddlewareOptions, type RouteOptions } from './options/request-options.ts'
export { refuseRequest, refuseUncalled } from './options/uncalled-factory.ts'
export { getTracing } from './start/tracing.ts'
