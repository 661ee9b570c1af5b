import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'

/** Hands the same spans to several exporters, such as outboxes; a failure of one does not affect another. */
export function createFanOut(exporters: readonly SpanExporter[]): SpanExporter {
  const [only, ...others] = exporters
  if (only !== undefined && others.length === 0) return only
  return {
    export(spans, resultCallback) {
      let failure: Error | undefined
      for (const exporter of exporters) {
        exporter.export(spans, ({ error }) => {
          failure ??= error
        })
      }
      resultCallback(
        failure === undefined
          ? { code: ExportResultCode.SUCCESS }
          : { code: ExportResultCode.FAILED, error: failure },
      )
    },
    async forceFlush() {
      await Promise.all(exporters.map(exporter => exporter.forceFlush?.()))
    },
    async shutdown() {
      await Promise.all(exporters.map(exporter => exporter.shutdown()))
    },
  }
}
