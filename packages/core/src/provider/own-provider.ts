import type { BasicTracerProvider, IdGenerator, ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import { MAX_ATTRIBUTES } from '../buffer/start-root.ts'
import type { TraceBuffer } from '../buffer/trace-buffer.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { createSampler } from './sampler.ts'

type Resource = ReadableSpan['resource']

/** What every observation says of this service. */
export function resourceOf({ resources }: Otel, { serviceName }: TracingConfig): Resource {
  return resources
    .defaultResource()
    .merge(resources.detectResources({ detectors: [resources.envDetector] }))
    .merge(resources.resourceFromAttributes(serviceName === undefined ? {} : { 'service.name': serviceName }))
}

/** The provider whose spans go to `buffer`. */
export function createOwnProvider(
  otel: Otel,
  { sampling }: TracingConfig,
  resource: Resource,
  idGenerator: IdGenerator,
  buffer: TraceBuffer,
): BasicTracerProvider {
  return new otel.sdk.BasicTracerProvider({
    sampler: createSampler(otel, sampling.rate, buffer.traceOf),
    idGenerator,
    spanProcessors: [buffer],
    spanLimits: { attributeCountLimit: MAX_ATTRIBUTES },
    resource,
  })
}
