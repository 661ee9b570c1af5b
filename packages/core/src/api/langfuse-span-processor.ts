import type { SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { adopting } from '../other-tracers/adopted-spans.ts'
import { getTracing } from '../start/tracing.ts'

/**
 * For the span processors of an OpenTelemetry SDK of the app's own: takes what Langfuse shows of that SDK's spans, such as those of an
 * AI library, into the traces of requests. Can be made before tracing starts; never changes a span.
 */
export function langfuseSpanProcessor(): SpanProcessor {
  return {
    onStart: (span, parentContext) => adopting.current?.start(span, parentContext),
    onEnd: span => adopting.current?.end(span),
    forceFlush: flush,
    // Their SDK ends; tracing ends when the app ends it.
    shutdown: flush,
  }
}

async function flush(): Promise<void> {
  await getTracing()?.flush()
}
