import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { settlesWithin } from '../basics/deadline.ts'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { SILENT_TRACE } from '../buffer/held-trace.ts'
import { RootSpan } from '../buffer/root-span.ts'
import { createTraceBuffer } from '../buffer/trace-buffer.ts'
import { withScope } from '../context/request-context.ts'
import { createDelivery, NOTHING_FLUSHED } from '../delivery/delivery.ts'
import { createScores } from '../delivery/scores.ts'
import { createMasking } from '../export/masking.ts'
import { createMediaProcessor } from '../export/media-processor.ts'
import type { Refusal } from '../export/refusal.ts'
import { createShortcut } from '../export/shortcut.ts'
import { bringInspector } from '../inspector/local-inspector.ts'
import { showRunningSpans } from '../inspector/running-spans.ts'
import { linksFor } from '../inspector/trace-links.ts'
import type { Destination } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { adopting, createAdoption } from '../other-tracers/adopted-spans.ts'
import { createBeside } from '../other-tracers/beside-tracer.ts'
import {
  checkApi,
  checkContext,
  checkSdk,
  checkSdkIsItself,
  warnOfOtherProvider,
} from '../other-tracers/self-check.ts'
import { watchOutgoingRequests } from '../propagation/outgoing-requests.ts'
import { traceHeaders } from '../propagation/trace-headers.ts'
import { createIdGenerator } from '../provider/id-generator.ts'
import { createOwnProvider, MAX_ATTRIBUTES, resourceOf } from '../provider/own-provider.ts'
import { register } from '../provider/registration.ts'
import { outgoingTrace } from '../trace/outgoing-trace.ts'
import type { Pipeline } from '../trace/pipeline.ts'

/** Builds the pipeline and makes it the one that Langfuse's SDK, and OpenTelemetry where nobody else has, use. */
export function startPipeline(
  config: TracingConfig,
  destination: Exclude<Destination, { kind: 'none' }>,
  otel: Otel,
  log: Log,
): Pipeline {
  const { api, langfuse } = otel
  checkSdkIsItself(otel)
  const refusal: Refusal = { active: false }
  const isExported = (span: ReadableSpan) => otel.otel.isDefaultExportSpan(span)
  const inspector = config.inspector.embedded ? bringInspector(config.inspector, log) : undefined
  const delivery =
    config.exporter === undefined
      ? createDelivery(config, destination, {
          logger: log,
          meter: api.metrics.getMeter('langfuse-middleware'),
          inspector,
        })
      : undefined
  const exporter = delivery ?? config.exporter
  const masking = config.mask && createMasking(config.mask, otel, log)
  const processorOptions = {
    ...(destination.kind === 'langfuse' && {
      publicKey: destination.publicKey,
      secretKey: destination.secretKey,
      baseUrl: destination.baseUrl,
    }),
    ...(exporter !== undefined && { exporter }),
    // The outbox batches, and takes what it is given at once.
    exportMode: delivery === undefined ? ('batched' as const) : ('immediate' as const),
    environment: config.environment,
    flushInterval: config.flush.intervalMs / 1_000,
    mediaUploadEnabled: false,
    shouldExportSpan: ({ otelSpan }: { otelSpan: ReadableSpan }) => !refusal.active && isExported(otelSpan),
    ...(config.release !== undefined && { release: config.release }),
    ...(masking !== undefined && { mask: masking.mask }),
  }
  const { LangfuseSpanProcessor } = otel.otel
  const plain = new LangfuseSpanProcessor(processorOptions)
  const media =
    config.media && destination.kind === 'langfuse'
      ? new LangfuseSpanProcessor({ ...processorOptions, mediaUploadEnabled: true })
      : undefined
  const buffer = createTraceBuffer({
    otel,
    limits: config.buffer,
    next: media ? createMediaProcessor({ plain, media, refusal }) : plain,
    refusal,
    isExported,
    maskRest: masking?.maskRest,
    shortcut: delivery && config.mask === undefined ? createShortcut(config, otel, delivery) : undefined,
    log,
  })
  const ids = createIdGenerator()
  const resource = resourceOf(otel, config)
  const own = createOwnProvider(otel, config, resource, ids, buffer)
  const beside = createBeside(otel, () => {
    settle()
    return registration.hasOther
  })
  const registration = register(otel, {
    forLangfuse: beside.wrap(own),
    forAll: config.provider === 'own' ? undefined : own,
    settle: () => settle(),
  })
  const adoption = createAdoption({
    otel,
    provider: own,
    ids,
    beside,
    traceOf: buffer.traceOf,
    rate: config.sampling.rate,
    log,
  })
  checkApi(log)
  checkSdk(log)
  adopting.current = adoption
  if (config.provider === 'global') {
    settle()
    if (!registration.global) warnOfOtherProvider(log)
  }
  const origin = {
    otel,
    resource,
    instrumentationScope: { name: langfuse.LANGFUSE_TRACER_NAME, version: langfuse.LANGFUSE_SDK_VERSION },
    maxAttributes: MAX_ATTRIBUTES,
    ended(root: RootSpan) {
      buffer.endRoot(root.trace)
    },
  }
  const silent = buffer.contextFor(SILENT_TRACE, api.ROOT_CONTEXT)
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
  const stopShowing =
    inspector && showRunningSpans({ otel, buffer, inspector, isExported, masked: config.mask !== undefined })

  return {
    buffer,
    beside,
    inspector,
    links: linksFor(config, destination, inspector, otel, log),
    scores: createScores({
      outbox: delivery?.scores,
      exporter: config.exporter,
      environment: config.environment,
      rate: config.sampling.rate,
      log,
    }),
    newTraceId: () => ids.generateTraceId(),
    newRequestId: () => ids.generateUuid(),
    settle,
    startRoot(held, name, traceId, { parent, context, links, startedAt }) {
      const own = {
        traceId,
        spanId: ids.generateSpanId(),
        traceFlags: api.TraceFlags.SAMPLED,
        ...(parent?.traceState && { traceState: parent.traceState }),
      }
      const root = new RootSpan(origin, { trace: held, name, own, parent, links, startedAt })
      buffer.root(held, root, context)
      return root
    },
    outgoing,
    enter(scope, next) {
      if (registration.ownsContext) return withScope(scope, next)
      return withScope(scope, () => api.context.with(scope.context, next))
    },
    silentContext() {
      settle()
      const active = api.context.active()
      return active === api.ROOT_CONTEXT ? silent : buffer.contextFor(SILENT_TRACE, active)
    },
    delivery,
    async flush(timeoutMs) {
      const until = performance.now() + timeoutMs
      await settlesWithin(own.forceFlush(), timeoutMs)
      return delivery?.flush(Math.max(until - performance.now(), 0)) ?? NOTHING_FLUSHED
    },
    async shutdown(timeoutMs) {
      const until = performance.now() + timeoutMs
      stopShowing?.()
      buffer.abandonAll()
      unwatch?.()
      if (adopting.current === adoption) adopting.current = undefined
      registration.undo()
      await settlesWithin(own.shutdown(), timeoutMs)
      return delivery?.close(Math.max(until - performance.now(), 0)) ?? NOTHING_FLUSHED
    },
  }

  function settle(): void {
    if (!registration.settle()) return
    checkApi(log)
    checkContext(otel, log)
  }
}
