import type { RequestTrace, RouteOptions } from '@langfuse-middleware/core/adapter'
import { langfusePlugin } from './plugin.ts'

export type { RequestTrace, RouteOptions } from '@langfuse-middleware/core/adapter'
export { type LangfusePluginOptions, langfusePlugin } from './plugin.ts'
export default langfusePlugin

declare module 'fastify' {
  interface FastifyRequest {
    /** The trace of this request. */
    langfuse: RequestTrace
  }
  interface FastifyContextConfig {
    /** How this route is traced: `false` not at all, otherwise by name, tags, metadata or sampling of its own. */
    langfuse?: RouteOptions | false
  }
}
