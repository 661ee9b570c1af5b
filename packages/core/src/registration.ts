import type { TracerProvider } from '@opentelemetry/api'
import type { Otel } from './otel.ts'
import { createScopeContextManager } from './scope-context-manager.ts'

/** What of OpenTelemetry's globals is ours. */
export interface Registration {
  /** Whether the context manager is ours, which holds OpenTelemetry's context and the current request in one. */
  readonly ownsContext: boolean
  /** Takes back all that was set. */
  undo(): void
}

/**
 * Makes `provider` the global one where there is none yet, and `forLangfuse` the one of Langfuse's SDK; brings a context manager and a
 * propagator where there is none.
 */
export function register(otel: Otel, provider: TracerProvider, forLangfuse: TracerProvider): Registration {
  const { api, tracing } = otel
  const undo: (() => void)[] = []
  tracing.setLangfuseTracerProvider(forLangfuse)
  undo.push(() => tracing.setLangfuseTracerProvider(null))

  const ownsContext = api.context.setGlobalContextManager(createScopeContextManager(otel))
  if (ownsContext) undo.push(() => api.context.disable())
  if (api.propagation.setGlobalPropagator(new otel.core.W3CTraceContextPropagator())) {
    undo.push(() => api.propagation.disable())
  }
  if (api.trace.setGlobalTracerProvider(provider)) undo.push(() => api.trace.disable())
  return {
    ownsContext,
    undo() {
      for (const step of undo.reverse()) step()
    },
  }
}
