import { trace } from '@opentelemetry/api'

/**
 * Puts the id of the other trace on each of the two: from a slow request in OpenTelemetry's backend to the conversation in Langfuse,
 * and back.
 * @param {import('@langfuse-middleware/core').RequestTrace} langfuse
 */
export function linkTraces(langfuse) {
  const span = trace.getActiveSpan()
  if (span === undefined || langfuse.traceId === undefined) return
  span.setAttribute('langfuse.trace_id', langfuse.traceId)
  langfuse.setMetadata({ otelTraceId: span.spanContext().traceId })
}
