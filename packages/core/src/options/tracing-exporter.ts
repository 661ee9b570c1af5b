import type { ScoreEvent } from '@langfuse-middleware/delivery'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'

/** A score as it leaves the process. */
export type SentScore = ScoreEvent['body']

/** An OpenTelemetry exporter that takes what would go to Langfuse. */
export interface TracingExporter extends SpanExporter {
  /** Takes a score; without it scores are left out. */
  exportScore?(score: SentScore): void
}
