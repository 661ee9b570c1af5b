import type { Context } from '@opentelemetry/api'
import type { Otel } from '../basics/otel.ts'
import type { TraceBuffer } from '../buffer/trace-buffer.ts'
import { watchOutgoingRequests } from '../propagation/outgoing-requests.ts'
import { type OutgoingTrace, traceHeaders } from '../propagation/trace-headers.ts'

/** The trace that code running in `context` passes on to another service; undefined if it runs in no recorded trace. */
export function outgoingTrace(otel: Otel, buffer: TraceBuffer, context: Context): OutgoingTrace | undefined {
  const held = buffer.traceOf(context)
  if (held?.root === undefined || held.decision === 'drop') return undefined
  if (otel.core.isTracingSuppressed(context)) return undefined
  const root = held.root.spanContext()
  const active = otel.api.trace.getSpanContext(context)
  const parent = active?.traceId === root.traceId ? buffer.exportedParent(held, active) : root
  const { requestId, userId, sessionId } = held.request
  return { parent, requestId, userId, sessionId }
}

/** Adds the headers of the current trace to outgoing requests whose URL passes `propagateTo`. Returns a function that stops it. */
export function propagateTraces(
  { api }: Otel,
  buffer: TraceBuffer,
  propagateTo: (url: URL) => boolean,
  outgoing: () => OutgoingTrace | undefined,
): () => void {
  return watchOutgoingRequests({
    current: () => buffer.traceOf(api.context.active())?.request,
    headersFor(url) {
      const trace = propagateTo(url) ? outgoing() : undefined
      return trace && traceHeaders(trace)
    },
    failed(request) {
      request.calleeFailed = true
    },
  })
}
