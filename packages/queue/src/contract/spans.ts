import { readFields } from '@langfuse-middleware/delivery'

const RESOURCE_SPANS = 1
const MEMBERS = 2

/**
 * Walks the encoded spans of an `ExportTraceServiceRequest`.
 *
 * @throws RangeError if the body is something else
 */
export function* spansOf(body: Uint8Array): Generator<Uint8Array> {
  for (const resourceSpans of readFields(body)) {
    if (resourceSpans.number !== RESOURCE_SPANS) throw new RangeError('not an ExportTraceServiceRequest')
    for (const scopeSpans of readFields(resourceSpans.content)) {
      if (scopeSpans.number !== MEMBERS) continue
      for (const span of readFields(scopeSpans.content)) if (span.number === MEMBERS) yield span.content
    }
  }
}

/** The first encoded span of a body. */
export function firstSpan(body: Uint8Array): Uint8Array | undefined {
  for (const span of spansOf(body)) return span
  return undefined
}
