import type { BasicTracerProvider, IdGenerator } from '@opentelemetry/sdk-trace-base'
import type { TracingConfig } from './options.ts'
import type { Otel } from './otel.ts'
import { createSampler } from './sampler.ts'
import type { TraceBuffer } from './trace-buffer.ts'

// Langfuse's own keys come first on a span, and 128, OpenTelemetry's default, lets metadata push out what is set later.
const MAX_ATTRIBUTES = 512

/** The provider whose spans go to `buffer`. */
export function createOwnProvider(
  otel: Otel,
  { sampling, serviceName }: TracingConfig,
  idGenerator: IdGenerator,
  buffer: TraceBuffer,
): BasicTracerProvider {
  const { sdk, resources } = otel
  return new sdk.BasicTracerProvider({
    sampler: createSampler(otel, sampling.rate, buffer.traceOf),
    idGenerator,
    spanProcessors: [buffer],
    spanLimits: { attributeCountLimit: MAX_ATTRIBUTES },
    resource: resources
      .defaultResource()
      .merge(resources.detectResources({ detectors: [resources.envDetector] }))
      .merge(
        resources.resourceFromAttributes(serviceName === undefined ? {} : { 'service.name': serviceName }),
      ),
  })
}
