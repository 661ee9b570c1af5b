import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import type { Destination } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import type { Mask } from './masking.ts'
import { createMediaProcessor } from './media-processor.ts'
import type { Refusal } from './refusal.ts'

export interface LangfuseProcessorOptions {
  readonly otel: Otel
  readonly config: TracingConfig
  readonly destination: Destination
  /** Undefined for the processor's own. */
  readonly exporter: SpanExporter | undefined
  /** Whether the exporter batches itself and so gets each span at once. */
  readonly isBatching: boolean
  readonly refusal: Refusal
  readonly isExported: (span: ReadableSpan) => boolean
  readonly mask: Mask | undefined
}

/** Creates Langfuse's span processor; with media uploads, a pair of them. */
export function createLangfuseProcessor({
  otel,
  config,
  destination,
  exporter,
  isBatching,
  refusal,
  isExported,
  mask,
}: LangfuseProcessorOptions): SpanProcessor {
  const { LangfuseSpanProcessor } = otel.otel
  const hasKeys =
    destination.kind === 'langfuse' || (destination.kind === 'queue' && destination.secretKey !== undefined)
  const options = {
    ...(hasKeys && {
      publicKey: destination.publicKey,
      secretKey: destination.secretKey,
      baseUrl: destination.baseUrl,
    }),
    ...(exporter !== undefined && { exporter }),
    exportMode: isBatching ? ('immediate' as const) : ('batched' as const),
    environment: config.environment,
    flushInterval: config.flush.intervalMs / 1_000,
    mediaUploadEnabled: false,
    shouldExportSpan: ({ otelSpan }: { otelSpan: ReadableSpan }) => !refusal.active && isExported(otelSpan),
    ...(config.release !== undefined && { release: config.release }),
    ...(mask !== undefined && { mask }),
  }
  const plain = new LangfuseSpanProcessor(options)
  if (!config.media || !hasKeys) return plain
  const media = new LangfuseSpanProcessor({ ...options, mediaUploadEnabled: true })
  const { context, ROOT_CONTEXT } = otel.api
  return createMediaProcessor({
    plain,
    media,
    refusal,
    outside: upload => context.with(ROOT_CONTEXT, upload),
  })
}
