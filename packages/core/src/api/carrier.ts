import {
  type IncomingTrace,
  type ReadableCarrier,
  readTrace,
  type WritableCarrier,
  writeTrace,
} from '../propagation/trace-headers.ts'
import { runningTracing } from '../start/tracing.ts'

/**
 * Adds what another service needs to continue the current trace to `headers`: `Headers`, a plain object, or a message's headers. Returns
 * them; outside of a recorded trace as they were.
 */
export function injectTraceHeaders<Carrier extends WritableCarrier>(headers: Carrier): Carrier {
  const trace = runningTracing()?.runtime?.pipeline.outgoing()
  if (trace === undefined) return headers
  writeTrace(headers, trace)
  return headers
}

/**
 * Reads the trace that a message's headers name, for `traceJob` to continue. Undefined where they name none, or tracing is off. Whoever
 * can write to the queue is believed.
 */
export function extractTraceContext(headers: ReadableCarrier | undefined): IncomingTrace | undefined {
  const runtime = runningTracing()?.runtime
  return runtime && headers && readTrace(headers, runtime.otel, runtime.log)
}
