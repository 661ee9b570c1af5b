import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import { createRecordBuilder } from '../wire/record-builder.ts'
import { shrinkRequest } from '../wire/shrink-request.ts'
import { nameFirstSpan, splitRequest } from '../wire/split-request.ts'
import type { ItemFormat } from './item-format.ts'
import { createItemOutbox, type ItemOutbox } from './item-outbox.ts'
import type { OutboxOptions } from './options.ts'

/** A bounded queue in front of a destination, and the OpenTelemetry exporter that fills it. */
export interface Outbox extends Omit<ItemOutbox<ReadableSpan>, 'add'>, SpanExporter {
  /** Takes spans and says so at once; it never waits for the destination. */
  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void
  /** `flush` as OpenTelemetry calls it. */
  forceFlush(): Promise<void>
  /** `close` as OpenTelemetry calls it. */
  shutdown(): Promise<void>
}

/** Spans as an `ExportTraceServiceRequest` in protobuf. */
export const OTLP: ItemFormat<ReadableSpan> = {
  noun: 'span',
  createBuilder: createRecordBuilder,
  split: splitRequest,
  shrink: shrinkRequest,
  nameFirst: nameFirstSpan,
}

/** Creates an outbox. Throws if an option is invalid. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { add, ...outbox } = createItemOutbox(options, OTLP)
  return {
    ...outbox,
    export(spans, resultCallback) {
      if (add(spans)) return resultCallback({ code: ExportResultCode.SUCCESS })
      const error = new Error(`the outbox of ${outbox.name} is closed`)
      resultCallback({ code: ExportResultCode.FAILED, error })
    },
    async forceFlush() {
      await outbox.flush()
    },
    async shutdown() {
      await outbox.close()
    },
  }
}
