import type { Context, Link, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import type { RequestState } from '../request/request-state.ts'
import type { HeldTrace } from './held-trace.ts'
import { type RootOrigin, RootSpan } from './root-span.ts'
import type { TraceBuffer } from './trace-buffer.ts'

/** Where a root is: under a parent in another service, or nowhere. */
interface RootPlace {
  readonly parent: SpanContext | undefined
  /** The context in which the next processor sees it start. */
  readonly context: Context
  readonly links: Link[] | undefined
}

/** Starts the root of a request or job, with which its trace begins. */
export type StartRoot = (request: RequestState, place: RootPlace) => HeldTrace

// Langfuse's own attributes come first on a span. With OpenTelemetry's default of 128, metadata would keep out what is set later.
export const MAX_ATTRIBUTES = 512

/** Flag of `traceparent`: the trace id is random. */
const RANDOM = 2

/** Creates what starts roots in `buffer`. */
export function createRootStarter(
  otel: Otel,
  resource: ReadableSpan['resource'],
  buffer: TraceBuffer,
  newSpanId: () => string,
): StartRoot {
  const { langfuse, api } = otel
  const origin: RootOrigin = {
    otel,
    resource,
    instrumentationScope: { name: langfuse.LANGFUSE_TRACER_NAME, version: langfuse.LANGFUSE_SDK_VERSION },
    maxAttributes: MAX_ATTRIBUTES,
  }
  return (request, { parent, context, links }) => {
    const own: SpanContext = {
      traceId: request.traceId,
      spanId: newSpanId(),
      traceFlags: api.TraceFlags.SAMPLED | ((parent?.traceFlags ?? 0) & RANDOM),
      ...(parent?.traceState && { traceState: parent.traceState }),
    }
    const { startedAt, start } = request
    const root = new RootSpan(origin, {
      name: start.name,
      method: start.asked && start.name,
      own,
      parent,
      links,
      startedAt,
    })
    return buffer.open(request, root, context)
  }
}
