import type { Context, Span, SpanOptions, Tracer, TracerProvider } from '@opentelemetry/api'
import type { Otel } from './otel.ts'
import type { TraceBuffer } from './trace-buffer.ts'

/** The active observation, where another tracer's span holds the place that OpenTelemetry has for the active span. */
export interface Beside {
  /** `context` with `span` as its active observation; another tracer's active span stays where it is. */
  activate(context: Context, span: Span): Context
  /** `context` as our tracer is to see it: with our active span in the one place it looks at. */
  ours(context: Context): Context
  /** `provider` for Langfuse's SDK: its spans find their parent beside another tracer's. */
  wrap(provider: TracerProvider): TracerProvider
}

/**
 * Keeps our spans and another tracer's apart in one context: each has its own active span, so that Sentry's or Datadog's children do not
 * end up under an observation that they know nothing of, nor ours under theirs.
 */
export function createBeside({ api }: Otel, traceOf: TraceBuffer['traceOf']): Beside {
  const contextKey = api.createContextKey('langfuse-middleware.active')

  function activate(context: Context, span: Span): Context {
    const active = api.trace.getSpanContext(context)
    const apart = active !== undefined && active.traceId !== span.spanContext().traceId
    return apart ? context.setValue(contextKey, span) : api.trace.setSpan(context, span)
  }

  function ours(context: Context): Context {
    const own = context.getValue(contextKey) as Span | undefined
    const traceId = own && traceOf(context)?.root?.spanContext().traceId
    const apart = own !== undefined && api.trace.getSpanContext(context)?.traceId !== traceId
    return apart ? api.trace.setSpan(context, own) : context
  }

  return {
    activate,
    ours,
    wrap: provider => ({
      getTracer(name, version, options): Tracer {
        const tracer = provider.getTracer(name, version, options)
        const start = (
          spanName: string,
          spanOptions?: SpanOptions,
          context: Context = api.context.active(),
        ) => tracer.startSpan(spanName, spanOptions, ours(context))
        return {
          startSpan: start,
          startActiveSpan(spanName: string, ...rest: unknown[]) {
            const work = rest.pop() as (span: Span) => never
            const [spanOptions, context = api.context.active()] = rest as [SpanOptions?, Context?]
            const span = start(spanName, spanOptions, context)
            return api.context.with(activate(context, span), work, undefined, span)
          },
        }
      },
    }),
  }
}
