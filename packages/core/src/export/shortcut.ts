import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import type { TracingConfig } from '../options/resolve-options.ts'

/** The way past a processor, for spans on which it has nothing to do. */
export interface Shortcut {
  /** Whether a span that the processor saw start may go this way. */
  takes(span: ReadableSpan): boolean
  send(span: ReadableSpan): void
  /** Sends a root that the processor has never seen. */
  sendAlone(root: ReadableSpan): void
}

/**
 * The way past Langfuse's processor, where nothing is to be masked or uploaded: without its promises, which are a quarter of what a request
 * without children costs, and whose set keeps ended observations until the next full collection.
 */
export function createShortcut(
  config: TracingConfig,
  { api, langfuse }: Otel,
  exporter: Pick<SpanExporter, 'export'>,
): Shortcut {
  const attribute = langfuse.LangfuseOtelSpanAttributes

  function send(span: ReadableSpan): void {
    exporter.export([span], sent)
  }

  return {
    takes(span) {
      const isSampled = (span.spanContext().traceFlags & api.TraceFlags.SAMPLED) !== 0
      // Who debugs is to read of every span what the processor says.
      const isDebugged = langfuse.getGlobalLogger().isLevelEnabled(langfuse.LogLevel.DEBUG)
      return isSampled && !isDebugged && !span.resource.asyncAttributesPending
    },
    send,
    sendAlone(root) {
      const { attributes } = root
      attributes[attribute.ENVIRONMENT] ??= config.environment
      if (config.release !== undefined) attributes[attribute.RELEASE] ??= config.release
      if (root.parentSpanContext === undefined) attributes[attribute.IS_APP_ROOT] ??= true
      send(root)
    },
  }
}

/** What cannot be taken any more is counted where it is refused. */
function sent(): void {}
