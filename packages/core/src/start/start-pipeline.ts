import type { FlushResult } from '@langfuse-middleware/delivery'
import type { Context, Link, Span, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { settlesWithin } from '../basics/deadline.ts'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { type HeldTrace, SILENT_TRACE } from '../buffer/held-trace.ts'
import { RootSpan } from '../buffer/root-span.ts'
import { createTraceBuffer, type TraceBuffer } from '../buffer/trace-buffer.ts'
import { type Scope, withScope } from '../context/request-context.ts'
import { createDelivery, type Delivery } from '../delivery/delivery.ts'
import { createScores, type Scores } from '../delivery/scores.ts'
import { createMasking } from '../export/masking.ts'
import { createMediaProcessor } from '../export/media-processor.ts'
import type { Refusal } from '../export/refusal.ts'
import { createShortcut } from '../export/shortcut.ts'
import { bringInspector, type LocalInspector } from '../inspector/local-inspector.ts'
import { showRunningSpans } from '../inspector/running-spans.ts'
import { createTraceLinks, lookForInspector, type TraceLinks } from '../inspector/trace-links.ts'
import { type Destination, isLoopback } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { adopting, createAdoption } from '../other-tracers/adopted-spans.ts'
import { type Beside, createBeside } from '../other-tracers/beside-tracer.ts'
import { createTwins } from '../other-tracers/root-twin.ts'
import {
  checkApi,
  checkContext,
  checkProvider,
  checkSdk,
  checkSdkIsItself,
  warnOfOtherProvider,
} from '../other-tracers/self-check.ts'
import { watchOutgoingRequests } from '../propagation/outgoing-requests.ts'
import { type OutgoingTrace, traceHeaders } from '../propagation/trace-headers.ts'
import { createIdGenerator } from '../provider/id-generator.ts'
import { createOwnProvider, MAX_ATTRIBUTES, resourceOf } from '../provider/own-provider.ts'
import { register } from '../provider/registration.ts'
import { outgoingTrace } from '../trace/outgoing-trace.ts'

/** Everything between an observation's start and its leaving the process. */
export interface Pipeline {
  readonly buffer: TraceBuffer
  readonly beside: Beside
  readonly scores: Scores
  newTraceId(): string
  newRequestId(): string
  /** Whether a trace that begins gets the id that was made for it; false where a provider of the app's makes the spans. */
  readonly choosesTraceIds: boolean
  /** Brings the globals that nobody else has brought by now; before a context is to be passed on. */
  settle(): void
  /** Starts the root of `held`, in the trace of `traceId` where that is ours to choose. */
  startRoot(held: HeldTrace, name: string, traceId: string, above: RootPlace): Span
  /** What code running now passes on to another service; undefined where it runs in no trace that is recorded. */
  outgoing(): OutgoingTrace | undefined
  /** Runs `next` in a scope and its context. */
  enter<T>(scope: Scope & { readonly context: Context }, next: () => T): T
  /** The current context, but with nothing under it recorded. */
  silentContext(): Context
  /** The inspector that the app brings along. */
  readonly inspector: LocalInspector | undefined
  /** Undefined where nobody is to be told where traces are shown. */
  readonly links: TraceLinks | undefined
  /** Undefined where the app brought an exporter of its own. */
  readonly delivery: Delivery | undefined
  /** Sends what has ended, within a deadline. Never rejects. */
  flush(timeoutMs: number): Promise<FlushResult>
  /** Ends what is open, sends it, within a deadline, and stops. Never rejects. */
  shutdown(timeoutMs: number): Promise<FlushResult>
}

/** Where a root hangs: under a parent of another service, or nowhere. */
interface RootPlace {
  readonly parent: SpanContext | undefined
  readonly context: Context
  readonly links: Link[] | undefined
  /** By `performance.now()`. */
  readonly startedAt: number
}

/** What a flush says where there was nothing to send. */
export const NOTHING: FlushResult = { delivered: 0, spooled: 0, dropped: 0, waiting: 0 }

/** Builds the pipeline and makes it the one that Langfuse's SDK, and OpenTelemetry where nobody else has, use. */
export function startPipeline(
  config: TracingConfig,
  destination: Exclude<Destination, { kind: 'none' }>,
  otel: Otel,
  log: Log,
): Pipeline {
  const { api, langfuse } = otel
  const given = typeof config.provider === 'object' ? config.provider : undefined
  checkSdkIsItself(otel)
  if (given !== undefined) checkProvider(otel, given, log)
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
  const provider = given ?? own
  const beside = createBeside(otel, () => {
    settle()
    return given !== undefined || registration.hasOther
  })
  const registration = register(otel, {
    forLangfuse: beside.wrap(provider),
    forAll: config.provider === 'default' || config.provider === 'global' ? own : undefined,
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
      root.trace.twin?.end(root)
      buffer.endRoot(root.trace)
    },
  }
  const startTwin = given && createTwins(otel, given, log)
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
    choosesTraceIds: given === undefined,
    settle,
    startRoot(held, name, traceId, { parent, context, links, startedAt }) {
      held.twin = startTwin?.(held, name, parent, links)
      const twin = held.twin?.context
      const own = {
        traceId: twin?.traceId ?? traceId,
        spanId: twin?.spanId ?? ids.generateSpanId(),
        traceFlags: twin?.traceFlags ?? api.TraceFlags.SAMPLED,
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
      return delivery?.flush(Math.max(until - performance.now(), 0)) ?? NOTHING
    },
    async shutdown(timeoutMs) {
      const until = performance.now() + timeoutMs
      stopShowing?.()
      buffer.abandonAll()
      unwatch?.()
      if (adopting.current === adoption) adopting.current = undefined
      registration.undo()
      await settlesWithin(own.shutdown(), timeoutMs)
      return delivery?.close(Math.max(until - performance.now(), 0)) ?? NOTHING
    },
  }

  function settle(): void {
    if (!registration.settle()) return
    checkApi(log)
    checkContext(otel, log)
  }
}

/** Links lead to the inspector of this process, or to the one that traces are sent to, should it be one. */
function linksFor(
  config: TracingConfig,
  destination: Destination,
  inspector: LocalInspector | undefined,
  otel: Otel,
  log: Log,
): TraceLinks | undefined {
  if (!config.inspector.links) return undefined
  if (inspector !== undefined) return createTraceLinks(() => inspector.url ?? inspector.find(), log)
  const { baseUrl } = 'baseUrl' in destination ? destination : {}
  if (baseUrl === undefined || !isLoopback(baseUrl)) return undefined
  return createTraceLinks(lookForInspector(baseUrl, otel), log)
}
