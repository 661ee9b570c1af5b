import type { Context } from '@opentelemetry/api'
import type { Log } from '../basics/logger.ts'
import { A_BOOLEAN, callOption } from '../basics/option-callback.ts'
import type { Otel } from '../basics/otel.ts'
import type { TraceBuffer } from '../buffer/trace-buffer.ts'
import { currentOverlay } from '../context/request-context.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { isSkippedAtStart } from '../options/sampling.ts'
import { watchOutgoingRequests } from '../propagation/outgoing-requests.ts'
import { type OutgoingTrace, traceHeaders } from '../propagation/trace-headers.ts'
import type { RequestState } from '../request/request-state.ts'

/** The trace that code running in `context` passes on to another service; undefined if it runs in no recorded trace. */
export function outgoingTrace(
  { otel, config }: { readonly otel: Otel; readonly config: TracingConfig },
  buffer: TraceBuffer,
  context: Context,
): OutgoingTrace | undefined {
  const held = buffer.traceOf(context)
  if (held?.root === undefined || held.decision === 'drop') return undefined
  if (otel.core.isTracingSuppressed(context)) return undefined
  const root = held.root.spanContext()
  const active = otel.api.trace.getSpanContext(context)
  const parent = active?.traceId === root.traceId ? buffer.exportedParent(held, active) : root
  const { request } = held
  if (isRootless(request, config.sampling.rate)) return undefined
  const overlay = currentOverlay()
  return {
    parent,
    requestId: request.requestId,
    userId: overlay?.userId ?? request.userId,
    sessionId: overlay?.sessionId ?? request.sessionId,
    traceName: request.carriedName,
  }
}

/**
 * Whether a callee that joined the trace would show observations without their root: it is dropped, or its route has turned itself off,
 * which the callee cannot know. With one rate everywhere, both sides decide alike.
 */
function isRootless({ annotations, sampling, traceId }: RequestState, rate: number): boolean {
  if (annotations.skipped || isSkippedAtStart(traceId, sampling)) return true
  return sampling.rate === 0 && rate > 0
}

/** Adds the headers of the current trace to outgoing requests whose URL passes `propagateTo`. Returns a function that stops it. */
export function propagateTraces(
  { otel, log }: { readonly otel: Otel; readonly log: Log },
  buffer: TraceBuffer,
  propagateTo: (url: URL) => boolean,
  outgoing: () => OutgoingTrace | undefined,
): () => void {
  return watchOutgoingRequests({
    current: () => buffer.traceOf(otel.api.context.active())?.request,
    headersFor(url) {
      const mayGo = callOption(log, 'propagateTo', A_BOOLEAN, false, () => propagateTo(url))
      const trace = mayGo ? outgoing() : undefined
      return trace && traceHeaders(trace)
    },
    received: request => request.start.asked?.request.headers,
    failed(request) {
      request.calleeFailed = true
    },
  })
}
