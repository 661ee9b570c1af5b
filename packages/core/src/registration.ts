import type { TracerProvider } from '@opentelemetry/api'
import { lazyRequire } from './lazy-require.ts'
import type { Otel } from './otel.ts'

/**
 * Makes `provider` the global one where there is none yet, and `forLangfuse` the one of Langfuse's SDK; brings a context manager and a
 * propagator where there is none. Returns what takes back all that was set.
 */
export function register(otel: Otel, provider: TracerProvider, forLangfuse: TracerProvider): () => void {
  const { api, tracing } = otel
  const undo: (() => void)[] = []
  tracing.setLangfuseTracerProvider(forLangfuse)
  undo.push(() => tracing.setLangfuseTracerProvider(null))

  const { AsyncLocalStorageContextManager } = lazyRequire<
    typeof import('@opentelemetry/context-async-hooks')
  >('@opentelemetry/context-async-hooks')
  if (api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())) {
    undo.push(() => api.context.disable())
  }
  if (api.propagation.setGlobalPropagator(new otel.core.W3CTraceContextPropagator())) {
    undo.push(() => api.propagation.disable())
  }
  if (api.trace.setGlobalTracerProvider(provider)) undo.push(() => api.trace.disable())
  return () => {
    for (const step of undo.reverse()) step()
  }
}
