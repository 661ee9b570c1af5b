import type { TracerProvider } from '@opentelemetry/api'
import { lazyRequire } from './lazy-require.ts'
import type { Otel } from './otel.ts'

/** What of OpenTelemetry's globals is ours. */
export interface Registration {
  /** Whether our provider is the global one. */
  readonly global: boolean
  /** Whether another's is, once settled. */
  readonly hasOther: boolean
  /** Brings what nobody has brought by now; true the first time. */
  settle(): boolean
  /** Takes back all that was set. */
  undo(): void
}

interface RegistrationOptions {
  /** The provider of Langfuse's SDK. */
  readonly forLangfuse: TracerProvider
  /** The provider to make the global one, where there is none. */
  readonly forAll: TracerProvider | undefined
}

/**
 * Makes `forLangfuse` the provider of Langfuse's SDK at once, and leaves the globals alone until `settle`, the first time that they are
 * needed: OpenTelemetry lets nobody replace them, so a tracer that starts after us would find its places taken.
 */
export function register({ api, core, tracing }: Otel, options: RegistrationOptions): Registration {
  const { forLangfuse, forAll } = options
  const undo: (() => void)[] = []
  let settled = false
  let global = false
  let other = false
  tracing.setLangfuseTracerProvider(forLangfuse)
  undo.push(() => tracing.setLangfuseTracerProvider(null))

  return {
    get global() {
      return global
    },
    get hasOther() {
      return other
    },
    settle() {
      if (settled) return false
      settled = true
      if (!hasContextManager(api)) {
        const { AsyncLocalStorageContextManager } = lazyRequire<
          typeof import('@opentelemetry/context-async-hooks')
        >('@opentelemetry/context-async-hooks')
        if (api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())) {
          undo.push(() => api.context.disable())
        }
      }
      other = hasProvider(api)
      if (forAll === undefined || other) return true
      global = api.trace.setGlobalTracerProvider(forAll)
      if (global) undo.push(() => api.trace.disable())
      if (global && api.propagation.fields().length === 0) {
        api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator())
        undo.push(() => api.propagation.disable())
      }
      return true
    },
    undo() {
      for (const step of undo.reverse()) step()
    },
  }
}

/** Whether somebody has made a provider the global one. */
function hasProvider(api: Otel['api']): boolean {
  const provider = api.trace.getTracerProvider()
  return !(provider instanceof api.ProxyTracerProvider) || provider.getDelegateTracer('any') !== undefined
}

/** Whether a context is passed on at all. */
export function hasContextManager({ context, createContextKey, ROOT_CONTEXT }: Otel['api']): boolean {
  const key = createContextKey('langfuse-middleware.probe')
  return context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true)
}
