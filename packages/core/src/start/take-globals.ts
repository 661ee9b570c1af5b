import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { type Beside, createBeside } from '../other-tracers/beside-tracer.ts'
import { checkApi, checkContext, checkSdk, warnOfOtherProvider } from '../other-tracers/self-check.ts'
import { type Registration, register } from '../provider/registration.ts'

/** OpenTelemetry's and Langfuse's globals, as far as they are ours. */
export interface Globals {
  readonly registration: Registration
  readonly beside: Beside
  /** Registers what nobody else has registered by now. Call before a context is used. */
  settle(): void
}

/**
 * Makes `own` the provider of Langfuse's SDK, and checks what else is installed. The order of the checks matters: versions are checked
 * first, because with the wrong ones nothing below works; the context manager and the global provider only once they are registered, which
 * another tracer may do until the first span. Versions are checked again then, because that tracer may have loaded another API.
 */
export function takeGlobals(
  otel: Otel,
  own: BasicTracerProvider,
  provider: TracingConfig['provider'],
  log: Log,
): Globals {
  const beside = createBeside(otel, () => {
    settle()
    return registration.hasOther
  })
  const registration = register(otel, {
    forLangfuse: beside.wrap(own),
    forAll: provider === 'own' ? undefined : own,
    settle,
  })
  checkApi(log)
  checkSdk(log)
  if (provider === 'global') {
    settle()
    if (!registration.global) warnOfOtherProvider(log)
  }
  return { registration, beside, settle }

  function settle(): void {
    if (!registration.settle()) return
    checkApi(log)
    checkContext(otel, log)
  }
}
