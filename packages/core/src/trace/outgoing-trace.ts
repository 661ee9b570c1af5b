import type { Context } from '@opentelemetry/api'
import type { Otel } from '../basics/otel.ts'
import type { TraceBuffer } from '../buffer/trace-buffer.ts'
import type { OutgoingTrace } from '../propagation/trace-headers.ts'

/** What code running in `context` passes on to another service; undefined where it runs in no trace that is recorded. */
export function outgoingTrace(otel: Otel, buffer: TraceBuffer, context: Context): OutgoingTrace | undefined {
  const held = buffer.traceOf(context)
  if (held?.root === undefined || held.verdict === 'drop') return undefined
  if (otel.core.isTracingSuppressed(context)) return undefined
  const root = held.root.spanContext()
  const active = otel.api.trace.getSpanContext(context)
  const parent = active?.traceId === root.traceId ? buffer.exportedParent(held, active) : root
  const { requestId, userId, sessionId } = held.owner
  return { parent, requestId, userId, sessionId }
}
