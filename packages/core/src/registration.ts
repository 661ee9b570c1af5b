import { syncBuiltinESMExports } from 'node:module'
import type { TracerProvider } from '@opentelemetry/api'
import { lazyRequire } from './lazy-require.ts'
import type { Otel } from './otel.ts'

/**
 * Makes `provider` Langfuse's, and the global one where there is none yet; brings a context manager and a propagator where there is
 * none. Returns what takes back all that was set.
 */
export function register(otel: Otel, provider: TracerProvider, outgoing: boolean): () => void {
  const { api, tracing } = otel
  const undo: (() => void)[] = []
  tracing.setLangfuseTracerProvider(provider)
  undo.push(() => tracing.setLangfuseTracerProvider(null))

  const { AsyncLocalStorageContextManager } = lazyRequire<
    typeof import('@opentelemetry/context-async-hooks')
  >('@opentelemetry/context-async-hooks')
  const { W3CTraceContextPropagator } =
    lazyRequire<typeof import('@opentelemetry/core')>('@opentelemetry/core')
  if (api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())) {
    undo.push(() => api.context.disable())
  }
  if (api.propagation.setGlobalPropagator(new W3CTraceContextPropagator())) {
    undo.push(() => api.propagation.disable())
  }
  if (api.trace.setGlobalTracerProvider(provider)) undo.push(() => api.trace.disable())
  if (outgoing) undo.push(instrumentOutgoing(provider))
  return () => {
    for (const step of undo.reverse()) step()
  }
}

/** Sends trace context along with `node:http` and `fetch` requests made within a traced request. */
function instrumentOutgoing(tracerProvider: TracerProvider): () => void {
  const { registerInstrumentations } = lazyRequire<typeof import('@opentelemetry/instrumentation')>(
    '@opentelemetry/instrumentation',
  )
  const { HttpInstrumentation } = lazyRequire<typeof import('@opentelemetry/instrumentation-http')>(
    '@opentelemetry/instrumentation-http',
  )
  const { UndiciInstrumentation } = lazyRequire<typeof import('@opentelemetry/instrumentation-undici')>(
    '@opentelemetry/instrumentation-undici',
  )
  const stop = registerInstrumentations({
    tracerProvider,
    instrumentations: [
      new HttpInstrumentation({
        disableIncomingRequestInstrumentation: true,
        requireParentforOutgoingSpans: true,
      }),
      new UndiciInstrumentation({ requireParentforSpans: true }),
    ],
  })
  // The instrumentation acts when a module is next required: for the app, which has long imported both, that would be never.
  lazyRequire('http')
  lazyRequire('https')
  syncBuiltinESMExports()
  return stop
}
