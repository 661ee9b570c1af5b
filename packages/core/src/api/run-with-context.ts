import { type RequestContext, withOverlay } from '../context/request-context.ts'
import { runningTracing } from '../start/tracing.ts'

/**
 * Runs `fn` for the given user and session, within a request or outside of one: `getRequestContext()` shows them, and observations
 * made in `fn` carry them.
 */
export function runWithContext<T>(context: RequestContext, fn: () => T): T {
  return withOverlay(context, () => {
    const runtime = runningTracing()?.runtime
    if (runtime === undefined) return fn()
    const { otel, pipeline } = runtime
    const { userId, sessionId } = context
    const attributes = {
      ...(userId !== undefined && { userId }),
      ...(sessionId !== undefined && { sessionId }),
    }
    pipeline.settle()
    const { api } = otel
    const active = api.context.active()
    const span = api.trace.getSpan(active)
    // Without the active span, whose attributes the SDK would change: it may be the root, or another tracer's.
    const propagated = api.context.with(api.trace.deleteSpan(active), () =>
      otel.tracing.propagateAttributes(attributes, () => api.context.active()),
    )
    return api.context.with(span === undefined ? propagated : api.trace.setSpan(propagated, span), fn)
  })
}
