import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { settlesWithin } from '../basics/deadline.ts'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { createRootStarter } from '../buffer/start-root.ts'
import { createTraceBuffer, type TraceBuffer } from '../buffer/trace-buffer.ts'
import { withScope } from '../context/request-context.ts'
import { createDelivery, type Delivery, NOTHING_FLUSHED } from '../delivery/delivery.ts'
import { createScores } from '../delivery/scores.ts'
import { createLangfuseProcessor } from '../export/langfuse-processor.ts'
import { createMasking } from '../export/masking.ts'
import type { Refusal } from '../export/refusal.ts'
import { createShortcut } from '../export/shortcut.ts'
import { bringInspector, type LocalInspector } from '../inspector/local-inspector.ts'
import { showRunningSpans } from '../inspector/running-spans.ts'
import { type FindInspector, findStandalone, linksFor } from '../inspector/trace-links.ts'
import { createLlmCalls, type LlmCalls } from '../llm-calls/llm-calls.ts'
import type { Destination } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { adopting, createAdoption } from '../other-tracers/adopted-spans.ts'
import { checkSdkIsItself } from '../other-tracers/self-check.ts'
import { createIdGenerator } from '../provider/id-generator.ts'
import { createOwnProvider, resourceOf } from '../provider/own-provider.ts'
import { createInspectorAttributes } from '../request/inspector-attributes.ts'
import { createRequestRecords, type RequestRecords } from '../request/request-record.ts'
import { outgoingTrace, propagateTraces } from '../trace/outgoing-trace.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import { takeGlobals } from './take-globals.ts'

interface PipelineParts {
  readonly config: TracingConfig
  readonly destination: Exclude<Destination, { kind: 'none' }>
  readonly otel: Otel
  readonly log: Log
}

/** Builds the pipeline, and makes it the one that Langfuse's SDK uses, and OpenTelemetry if no other is registered. */
export function startPipeline(parts: PipelineParts): Pipeline {
  const { config, destination, otel, log } = parts
  const { api } = otel
  checkSdkIsItself(otel)
  const isExported = (span: ReadableSpan): boolean =>
    otel.otel.isDefaultExportSpan(span) && !llmCalls.isDuplicate(span)
  const llmCalls: LlmCalls = createLlmCalls({
    otel,
    config: config.llmCalls,
    keepsMedia: config.media && destination.kind === 'langfuse',
    traceOf: context => buffer.traceOf(context),
    isExported,
    settle: () => settle(),
    log,
  })
  const inspector = config.inspector.embedded ? bringInspector(config.inspector, log) : undefined
  const delivery = startDelivery(parts, inspector)
  const find = inspector ? () => inspector.url ?? inspector.find() : findStandalone(config, destination, otel)
  const shownBy = inspector ?? standaloneInspector(find)
  const describe =
    find &&
    createInspectorAttributes(
      config.mask !== undefined,
      () => inspector !== undefined || find() !== undefined,
    )
  const records = createRequestRecords(otel, config, log, describe)
  const buffer: TraceBuffer = startBuffer(parts, records, delivery, llmCalls, isExported)
  const ids = createIdGenerator()
  const resource = resourceOf(otel, config)
  const own = createOwnProvider(otel, config, resource, ids, buffer)
  const { registration, beside, settle } = takeGlobals(otel, own, config.provider, log)
  const adoption = createAdoption({
    otel,
    provider: own,
    ids,
    beside,
    traceOf: buffer.traceOf,
    rate: config.sampling.rate,
    log,
  })
  adopting.current = adoption
  const outgoing = () => outgoingTrace(parts, buffer, beside.ours(api.context.active()))
  const stopPropagating = config.propagateTo && propagateTraces(parts, buffer, config.propagateTo, outgoing)
  const stopShowing =
    shownBy &&
    showRunningSpans({
      otel,
      buffer,
      inspector: shownBy,
      identityOf: records.identityOf,
      isExported,
      progress: llmCalls.refresh,
      masked: config.mask !== undefined,
    })
  if (config.llmCalls.mode !== false) llmCalls.start()

  return {
    buffer,
    records,
    beside,
    inspector,
    links: linksFor(config, find, log),
    scores: createScores({
      outbox: delivery?.scores,
      exporter: config.exporter,
      environment: config.environment,
      rate: config.sampling.rate,
      log,
    }),
    llmCalls,
    newTraceId: () => ids.generateTraceId(),
    settle,
    startRoot: createRootStarter(otel, resource, buffer, () => ids.generateSpanId()),
    outgoing,
    enter(scope, next) {
      if (registration.ownsContext) return withScope(scope, next)
      return withScope(scope, () => api.context.with(scope.context, next))
    },
    silentContext() {
      settle()
      return buffer.silentContextFor(api.context.active())
    },
    delivery,
    async flush(timeoutMs) {
      const until = performance.now() + timeoutMs
      llmCalls.settleOutside()
      await settlesWithin(own.forceFlush(), timeoutMs)
      return delivery?.flush(Math.max(until - performance.now(), 0)) ?? NOTHING_FLUSHED
    },
    async shutdown(timeoutMs) {
      const until = performance.now() + timeoutMs
      stopShowing?.()
      llmCalls.stop()
      buffer.closeAll()
      stopPropagating?.()
      if (adopting.current === adoption) adopting.current = undefined
      registration.undo()
      await settlesWithin(own.shutdown(), timeoutMs)
      return delivery?.close(Math.max(until - performance.now(), 0)) ?? NOTHING_FLUSHED
    },
  }
}

/** Creates the outboxes; undefined if the app brings an exporter. */
function startDelivery(
  { config, destination, otel, log }: PipelineParts,
  inspector: LocalInspector | undefined,
): Delivery | undefined {
  if (config.exporter !== undefined) return undefined
  const meter = otel.api.metrics.getMeter('langfuse-middleware')
  return createDelivery(config, destination, { log, meter, inspector })
}

/** Creates the buffer in front of Langfuse's processor. */
function startBuffer(
  { config, destination, otel, log }: PipelineParts,
  records: RequestRecords,
  delivery: Delivery | undefined,
  calls: LlmCalls,
  isExported: (span: ReadableSpan) => boolean,
): TraceBuffer {
  const refusal: Refusal = { active: false }
  const masking = config.mask && createMasking(config.mask, otel, log)
  const next = createLangfuseProcessor({
    otel,
    config,
    destination,
    exporter: delivery ?? config.exporter,
    isBatching: delivery !== undefined,
    refusal,
    isExported,
    mask: masking?.mask,
  })
  return createTraceBuffer({
    otel,
    records,
    limits: config.buffer,
    next,
    refusal,
    isExported,
    calls,
    maskRest: masking?.maskRest,
    shortcut: delivery && config.mask === undefined ? createShortcut(config, otel, delivery) : undefined,
    log,
  })
}

/** An inspector that runs on its own; its address is known once it was found. */
function standaloneInspector(find: FindInspector | undefined): Pick<LocalInspector, 'url'> | undefined {
  return (
    find && {
      get url() {
        const found = find()
        return typeof found === 'string' ? found : undefined
      },
    }
  )
}
