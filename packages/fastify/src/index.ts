// Under other names, because other plugins give Fastify's module names such as RouteOptions, which would win below.
import type { RequestTrace as Trace, RouteOptions as TraceOptions } from '@langfuse-middleware/core/adapter'

export type { Feedback, RequestTrace, RouteOptions } from '@langfuse-middleware/core/adapter'
export { type FeedbackRouteOptions, feedbackRoute } from './feedback-route.ts'
export { type LangfusePluginOptions, langfusePlugin, langfusePlugin as default } from './plugin.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The trace of this request. */
    langfuse: Trace
  }
  interface FastifyContextConfig {
    /** How this route is traced: `false` not at all, otherwise by name, tags, metadata, sampling or capture of its own. */
    langfuse?: TraceOptions | false
  }
}
