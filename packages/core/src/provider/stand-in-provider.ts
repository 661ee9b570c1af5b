import type { Tracer, TracerProvider } from '@opentelemetry/api'

/** A provider whose tracers turn to the one that `decide` gives, with their first span and no sooner. */
export function createStandIn(decide: () => TracerProvider): TracerProvider {
  return {
    getTracer(...scope): Tracer {
      let decided: Tracer | undefined
      const tracer = () => {
        decided ??= decide().getTracer(...scope)
        return decided
      }
      return {
        startSpan: (...args) => tracer().startSpan(...args),
        startActiveSpan: (...args: unknown[]) => Reflect.apply(tracer().startActiveSpan, tracer(), args),
      }
    },
  }
}
