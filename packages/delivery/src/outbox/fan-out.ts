import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Outbox } from './outbox.ts'

/** Hands the same spans to several outboxes; the trouble of one does not touch another. */
export function createFanOut(outboxes: readonly Outbox[]): SpanExporter {
  const [only, ...others] = outboxes
  if (only !== undefined && others.length === 0) return only
  return {
    export(spans, resultCallback) {
      let failure: Error | undefined
      for (const outbox of outboxes) {
        outbox.export(spans, ({ error }) => {
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
      await Promise.all(outboxes.map(outbox => outbox.forceFlush()))
    },
    async shutdown() {
      await Promise.all(outboxes.map(outbox => outbox.shutdown()))
    },
  }
}
