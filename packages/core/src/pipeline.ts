import type { FlushResult } from '@langfuse-middleware/delivery'
import type { Context, Link, Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { adopting, createAdoption } from './adopted-spans.ts'
import { type Beside, createBeside } from './beside-tracer.ts'
import { settlesWithin } from './deadline.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import type { Destination } from './destination.ts'
import { SILENT_TRACE } from './held-trace.ts'
import { createIdGenerator } from './id-generator.ts'
import type { Log } from './logger.ts'
import type { TracingConfig } from './options.ts'
import type { Otel } from './otel.ts'
import { watchOutgoingRequests } from './outgoing-requests.ts'
import { outgoingTrace } from './outgoing-trace.ts'
import { createOwnProvider } from './own-provider.ts'
import { register } from './registration.ts'
import {
  checkApi,
  checkContext,
  checkProvider,
  checkSdk,
  checkSdkIsItself,
  warnOfLostRoot,
  warnOfOtherProvider,
} from './self-check.ts'
import { createTraceBuffer, type TraceBuffer } from './trace-buffer.ts'
import { type OutgoingTrace, traceHeaders } from './trace-headers.ts'
import type { Refusal } from './trace-release.ts'

/** Everything between an observation's start and its leaving the process. */
export interface Pipeline {
  readonly buffer: TraceBuffer
  readonly beside: Beside
  newTraceId(): string
  /** Whether a trace that begins gets the id that was made for it; false where a provider of the app's makes the spans. */
  readonly choosesTraceIds: boolean
  /** Brings the globals that nobody else has brought by now; before a context is to be passed on. */
  settle(): void
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
  const delivery =
    config.exporter === undefined
      ? createDelivery(config, destination, {
          logger: log,
          meter: api.metrics.getMeter('langfuse-middleware'),
        })
      : undefined
  const exporter = delivery ?? config.exporter
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
    ...(config.mask !== undefined && { mask: config.mask }),
  })
  const buffer = createTraceBuffer({ otel, limits: config.buffer, next: processor, refusal, isExported, log })
  const ids = createIdGenerator()
  const own = createOwnProvider(otel, config, ids, buffer)
  const provider = given ?? own
  const tracer = provider.getTracer(langfuse.LANGFUSE_TRACER_NAME, langfuse.LANGFUSE_SDK_VERSION)
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
    choosesTraceIds: given === undefined,
    settle,
    startRoot(name, traceId, context, links) {
      if (given === undefined) {
        return ids.withIds(traceId, undefined, () => tracer.startSpan(name, { links }, context))
      }
      const span = tracer.startSpan(name, { links }, context)
      const held = buffer.traceOf(context)
      if (held !== undefined && held.root === undefined) {
        buffer.discard(held)
        warnOfLostRoot(span, log)
      }
      return span
    },
    outgoing,
    silently(next) {
      settle()
      return api.context.with(buffer.contextFor(SILENT_TRACE, api.context.active()), next)
    },
    delivery,
    async flush(timeoutMs) {
      const until = performance.now() + timeoutMs
      await settlesWithin(own.forceFlush(), timeoutMs)
      return delivery?.flush(Math.max(until - performance.now(), 0)) ?? NOTHING
    },
    async shutdown(timeoutMs) {
      const until = performance.now() + timeoutMs
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
