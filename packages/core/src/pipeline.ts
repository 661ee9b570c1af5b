import type { Context, Link, Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Destination } from './destination.ts'
import { SILENT_TRACE } from './held-trace.ts'
import { createIdGenerator } from './id-generator.ts'
import type { Log } from './logger.ts'
import type { TracingConfig } from './options.ts'
import type { Otel } from './otel.ts'
import { watchOutgoingRequests } from './outgoing-requests.ts'
import { outgoingTrace } from './outgoing-trace.ts'
import { register } from './registration.ts'
import { createSampler } from './sampler.ts'
import { createTraceBuffer, type TraceBuffer } from './trace-buffer.ts'
import { type OutgoingTrace, traceHeaders } from './trace-headers.ts'
import type { Refusal } from './trace-release.ts'

/** Everything between an observation's start and its leaving the process. */
export interface Pipeline {
  readonly buffer: TraceBuffer
  newTraceId(): string
  /** Starts a root span under `context`, with `traceId` as its trace where the context has no other. */
  startRoot(name: string, traceId: string, context: Context, links: Link[]): Span
  /** What code running now passes on to another service; undefined where it runs in no trace that is recorded. */
  outgoing(): OutgoingTrace | undefined
  /** Runs `next` so that nothing under it is recorded. */
  silently<T>(next: () => T): T
  flush(): Promise<void>
  shutdown(): Promise<void>
}

// Langfuse's own keys come first on a span, and 128, OpenTelemetry's default, lets metadata push out what is set later.
const MAX_ATTRIBUTES = 512

/** Builds the pipeline and makes it the one that Langfuse's SDK, and OpenTelemetry where nobody else has, use. */
export function startPipeline(
  config: TracingConfig,
  destination: Exclude<Destination, { kind: 'none' }>,
  otel: Otel,
  log: Log,
): Pipeline {
  const { api, sdk, resources, langfuse } = otel
  const refusal: Refusal = { active: false }
  const isExported = (span: ReadableSpan) => otel.otel.isDefaultExportSpan(span)
  const processor = new otel.otel.LangfuseSpanProcessor({
    ...(destination.kind !== 'exporter' && {
      publicKey: destination.publicKey,
      secretKey: destination.secretKey,
      baseUrl: destination.baseUrl,
    }),
    ...(config.exporter !== undefined && { exporter: config.exporter }),
    environment: config.environment,
    flushInterval: config.flush.intervalMs / 1_000,
    mediaUploadEnabled: config.media && destination.kind === 'langfuse',
    shouldExportSpan: ({ otelSpan }) => !refusal.active && isExported(otelSpan),
    ...(config.release !== undefined && { release: config.release }),
    ...(config.mask !== undefined && { mask: config.mask }),
  })
  const buffer = createTraceBuffer({ otel, limits: config.buffer, next: processor, refusal, isExported, log })
  const ids = createIdGenerator()
  const provider = new sdk.BasicTracerProvider({
    sampler: createSampler(otel, config.sampling.rate, buffer.traceOf),
    idGenerator: ids,
    spanProcessors: [buffer],
    spanLimits: { attributeCountLimit: MAX_ATTRIBUTES },
    resource: resources
      .defaultResource()
      .merge(resources.detectResources({ detectors: [resources.envDetector] }))
      .merge(
        resources.resourceFromAttributes(
          config.serviceName === undefined ? {} : { 'service.name': config.serviceName },
        ),
      ),
  })
  const tracer = provider.getTracer(langfuse.LANGFUSE_TRACER_NAME, langfuse.LANGFUSE_SDK_VERSION)
  const unregister = register(otel, provider)
  const outgoing = () => outgoingTrace(otel, buffer, api.context.active())
  const unwatch =
    config.propagateTo &&
    watchOutgoingRequests({
      current: () => buffer.traceOf(api.context.active()),
      headersFor(url) {
        const trace = config.propagateTo?.(url) ? outgoing() : undefined
        return trace && traceHeaders(trace)
      },
      failed(trace) {
        trace.failedElsewhere = true
      },
    })

  return {
    buffer,
    newTraceId: () => ids.generateTraceId(),
    startRoot(name, traceId, context, links) {
      return ids.withTraceId(traceId, () => tracer.startSpan(name, { links }, context))
    },
    outgoing,
    silently: next => api.context.with(buffer.contextFor(SILENT_TRACE, api.context.active()), next),
    flush: () => provider.forceFlush(),
    async shutdown() {
      unwatch?.()
      unregister()
      await provider.shutdown()
    },
  }
}
