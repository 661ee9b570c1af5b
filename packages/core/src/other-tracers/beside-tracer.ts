import type { Context, Span, SpanOptions, Tracer, TracerProvider } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'

/** The active observation, where another tracer's span holds the place that OpenTelemetry has for the active span. */
export interface Beside {
  /** `context` with `span` as its active observation; another tracer's active span stays where it is. */
  activate(context: Context, span: Span): Context
  /** `context` as our tracer is to see it: with our active span in the one place it looks at, and never another tracer's. */
  ours(context: Context): Context
  /** `context` with the active observation in that place, whatever is there; undefined where there is no active observation. */
  under(context: Context): Context | undefined
  /** `provider` for Langfuse's SDK: its spans find their parent beside another tracer's. */
  wrap(provider: TracerProvider): TracerProvider
}

/**
 * Keeps our spans and another tracer's apart in one context, where there is another: each has its own active span, so that Sentry's
 * children do not end up under an observation that Sentry knows nothing of, nor ours under its.
 */
export function createBeside({ api, langfuse }: Otel, hasOther: () => boolean): Beside {
  const active = api.createContextKey('OpenTelemetry Context Key SPAN')
  const own = api.createContextKey('langfuse-middleware.active')
  const inner = api.createContextKey('langfuse-middleware.inner')

  /** `context`, in which observations take a place of their own, also when Langfuse's SDK makes one the active span. */
  function apart(context: Context): Context {
    return {
      getValue: key => (key === inner ? context : context.getValue(key)),
      setValue: (key, value) =>
        apart(context.setValue(key === active && isOurs(value as Span, context) ? own : key, value)),
      deleteValue: key => apart(context.deleteValue(key)),
    }
  }

  function activate(context: Context, span: Span): Context {
    if (!hasOther()) return api.trace.setSpan(context, span)
    return (context.getValue(inner) === undefined ? apart(context) : context).setValue(own, span)
  }

  function ours(context: Context): Context {
    if (!hasOther()) return context
    const theirs = api.trace.getSpan(context)
    if (theirs !== undefined && (isOurs(theirs, context) || isChosen(theirs))) return context
    return under(context) ?? api.trace.deleteSpan(context)
  }

  function under(context: Context): Context | undefined {
    const plain = (context.getValue(inner) as Context | undefined) ?? context
    const span = context.getValue(own) as Span | undefined
    return span && api.trace.setSpan(plain, span)
  }

  function isOurs(span: Span, context: Context): boolean {
    const { instrumentationScope } = span as Partial<ReadableSpan>
    if (instrumentationScope?.name === langfuse.LANGFUSE_TRACER_NAME) return true
    const traceId = (context.getValue(own) as Span | undefined)?.spanContext().traceId
    return traceId !== undefined && span.spanContext().traceId === traceId
  }

  /** Whether a caller named it as the parent, rather than that it happens to be active. */
  function isChosen(span: Span): boolean {
    return span !== api.trace.getSpan(api.context.active())
  }

  return {
    activate,
    ours,
    under,
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
