import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createRecordBuilder, type EncodedRecord } from '../../src/index.ts'

/** Encodes spans as one request body. */
export function encodedSpans(spans: readonly ReadableSpan[]): EncodedRecord {
  const builder = createRecordBuilder()
  for (const span of spans) builder.add(span)
  return builder.seal()!
}
