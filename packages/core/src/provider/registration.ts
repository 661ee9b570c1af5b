import type { TracerProvider } from '@opentelemetry/api'
import type { Otel } from '../basics/otel.ts'
import { createScopeContextManager } from '../context/scope-context-manager.ts'
import { createStandIn } from './stand-in-provider.ts'

/** What of OpenTelemetry's globals is ours. */
export interface Registration {
  /** Whether our provider is the global one. */
  readonly global: boolean
  /** Whether another's is, once settled. */
  readonly hasOther: boolean
  /** Whether the context manager is ours, which holds OpenTelemetry's context and the current request in one. */
  readonly ownsContext: boolean
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
  /** Calls `settle`, and does what is to be done then. */
  readonly settle: () => void
}

/**
 * Makes `forLangfuse` the provider of Langfuse's SDK at once, and leaves the globals alone until `settle`, the first time that they are
 * needed: OpenTelemetry lets nobody replace them, so a tracer that starts after us would find its places taken. There is no global
 * propagator of ours: libraries that use one, such as Anthropic's SDK, would carry the trace to third parties.
 */
export function register(otel: Otel, options: RegistrationOptions): Registration {
  const { api, tracing } = otel
  const { forLangfuse, forAll } = options
  const undo: (() => void)[] = []
  let settled = false
  tracing.setLangfuseTracerProvider(forLangfuse)
  undo.push(() => tracing.setLangfuseTracerProvider(null))

  const standIn =
    forAll &&
    createStandIn(() => {
      options.settle()
      return registration.hasOther ? api.trace.getTracerProvider() : forAll
    })
  const place = api.trace.getTracerProvider()
  if (standIn !== undefined && place instanceof api.ProxyTracerProvider && !hasProvider(api)) {
    // Here a tracer is looked for as long as no provider is registered, and the first that is takes over.
    const nobody = place.getDelegate()
    place.setDelegate(standIn)
    undo.push(() => {
      if (place.getDelegate() === standIn) place.setDelegate(nobody)
    })
  }

  // Without getters, which would make the object a hash table to V8, slow to use.
  const registration = {
    global: false,
    hasOther: false,
    ownsContext: false,
    settle() {
      if (settled) return false
      settled = true
      if (!hasContextManager(api)) {
        registration.ownsContext = api.context.setGlobalContextManager(createScopeContextManager(otel))
        if (registration.ownsContext) undo.push(() => api.context.disable())
      }
      registration.hasOther = hasProvider(api, standIn)
      if (forAll === undefined || registration.hasOther) return true
      registration.global = api.trace.setGlobalTracerProvider(forAll)
      if (registration.global) undo.push(() => api.trace.disable())
      return true
    },
    undo() {
      for (const step of undo.reverse()) step()
    },
  }
  return registration
}

/** Whether somebody has made a provider the global one; `standIn` is nobody. */
function hasProvider({ trace, ProxyTracerProvider }: Otel['api'], standIn?: TracerProvider): boolean {
  const provider = trace.getTracerProvider()
  if (!(provider instanceof ProxyTracerProvider)) return true
  return provider.getDelegate() !== standIn && provider.getDelegateTracer('any') !== undefined
}

/** Whether a context is passed on at all. */
export function hasContextManager({ context, createContextKey, ROOT_CONTEXT }: Otel['api']): boolean {
  const key = createContextKey('langfuse-middleware.probe')
  return context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true)
}
