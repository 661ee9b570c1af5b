import type { FlushResult } from '@langfuse-middleware/delivery'
import type { Context, Link, Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { type Beside, createBeside } from './beside-tracer.ts'
import { settlesWithin } from './deadline.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import type { Destination } from './destination.ts'
import { SILENT_TRACE } from './held-trace.ts'
import { createIdGenerator } from './id-generator.ts'
import type { Log } from './logger.ts'
import { createMasking } from './masking.ts'
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
  readonly beside: Beside
  newTraceId(): string
  /** Starts a root span under `context`, with `traceId` as its trace where the context has no other. */
  startRoot(name: string, traceId: string, context: Context, links: Link[]): Span
  /** What code running now passes on to another service; undefined where it runs in no trace that is recorded. */
  outgoing(): OutgoingTrace | undefined
  /** Runs `next` so that nothing under it is recorded. */
  silently<T>(next: () => T): T
  /** Undefined where the app brought an exporter of its own. */
  readonly delivery: Delivery | undefined
  /** Sends what has ended, within a deadline. Never rejects. */
  flush(timeoutMs: number): Promise<FlushResult>
  /** Ends what is open, sends it, within a deadline, and stops. Never rejects. */
  shutdown(timeoutMs: number): Promise<FlushResult>
}

/** What a flush says where there was nothing to send. */
export const NOTHING: FlushResult = { delivered: 0, spooled: 0, dropped: 0, waiting: 0 }

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
  const delivery =
    config.exporter === undefined
      ? createDelivery(config, destination, {
          logger: log,
          meter: api.metrics.getMeter('langfuse-middleware'),
        })
      : undefined
  const exporter = delivery ?? config.exporter
  const masking = config.mask && createMasking(config.mask, otel, log)
  const processor = new otel.otel.LangfuseSpanProcessor({
    ...(destination.kind === 'langfuse' && {
      publicKey: destination.publicKey,
      secretKey: destination.secretKey,
      baseUrl: destination.baseUrl,
    }),
    ...(exporter !== undefined && { exporter }),
    // The outbox batches, and takes what it is given at once.
    exportMode: delivery === undefined ? 'batched' : 'immediate',
    environment: config.environment,
    flushInterval: config.flush.intervalMs / 1_000,
    mediaUploadEnabled: config.media && destination.kind === 'langfuse',
    shouldExportSpan: ({ otelSpan }) => !refusal.active && isExported(otelSpan),
    ...(config.release !== undefined && { release: config.release }),
    ...(masking !== undefined && { mask: masking.mask }),
  })
  const buffer = createTraceBuffer({
    otel,
    limits: config.buffer,
    next: processor,
    refusal,
    isExported,
    maskMetadata: masking?.maskMetadata,
    log,
  })
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
  const beside = createBeside(otel, buffer.traceOf)
  const unregister = register(otel, provider, beside.wrap(provider))
  const outgoing = () => outgoingTrace(otel, buffer, beside.ours(api.context.active()))
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
    beside,
    newTraceId: () => ids.generateTraceId(),
    startRoot(name, traceId, context, links) {
      return ids.withTraceId(traceId, () => tracer.startSpan(name, { links }, context))
    },
    outgoing,
    silently: next => api.context.with(buffer.contextFor(SILENT_TRACE, api.context.active()), next),
    delivery,
    async flush(timeoutMs) {
      const until = performance.now() + timeoutMs
      await settlesWithin(provider.forceFlush(), timeoutMs)
      return delivery?.flush(Math.max(until - performance.now(), 0)) ?? NOTHING
    },
    async shutdown(timeoutMs) {
      const until = performance.now() + timeoutMs
      buffer.abandonAll()
      unwatch?.()
      unregister()
      await settlesWithin(provider.shutdown(), timeoutMs)
      return delivery?.close(Math.max(until - performance.now(), 0)) ?? NOTHING
    },
  }
}
