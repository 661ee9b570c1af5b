import { writeNested } from './attribute-encoder.ts'
import { type ByteSink, createByteSink, exactCopy, writeBytes } from './byte-sink.ts'
import type { EncodedRecord } from './record-builder.ts'
import { readFields } from './wire-reader.ts'

const RESOURCE_SPANS = 1
const SCOPE_SPANS = 2
const SPANS = 2

/** Cuts a request body into two with half of the spans each, or returns `undefined` where there is but one. */
export function splitRequest(record: EncodedRecord): [EncodedRecord, EncodedRecord] | undefined {
  if (record.spans < 2) return undefined
  const middle = record.spans >> 1
  return [part(record.body, 0, middle), part(record.body, middle, record.spans)]
}

/** The first span of a body, for a log line. */
export function nameFirstSpan(body: Uint8Array): string {
  for (const resourceSpans of readFields(body)) {
    for (const scopeSpans of readFields(resourceSpans.content)) {
      if (scopeSpans.number !== SCOPE_SPANS) continue
      for (const span of readFields(scopeSpans.content)) {
        if (span.number !== SPANS) continue
        const [traceId, spanId] = readFields(span.content)
        if (traceId && spanId) return `span ${hex(spanId.content)} of trace ${hex(traceId.content)}`
      }
    }
  }
  return 'a span'
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function part(body: Uint8Array, from: number, to: number): EncodedRecord {
  const sink = createByteSink(body.length)
  let index = 0
  for (const resourceSpans of readFields(body)) {
    if (resourceSpans.number === RESOURCE_SPANS) keep(sink, 0x0a, resourceSpans.content, true)
  }
  // A copy: the sink is as large as the whole request.
  return { body: exactCopy([sink.bytes.subarray(0, sink.end)]), spans: to - from }

  /** Copies a `ResourceSpans`, or one level down a `ScopeSpans`, with only the wanted spans, or not at all. */
  function keep(target: ByteSink, tag: number, message: Uint8Array, isResource: boolean): void {
    const start = target.end
    let kept = 0
    writeNested(target, tag, () => {
      for (const field of readFields(message)) {
        if (isResource && field.number === SCOPE_SPANS) {
          const length = target.end
          keep(target, 0x12, field.content, false)
          kept += target.end - length
        } else if (!isResource && field.number === SPANS) {
          if (index >= from && index < to) {
            writeBytes(target, field.whole)
            kept += 1
          }
          index += 1
        } else {
          writeBytes(target, field.whole)
        }
      }
    })
    if (kept === 0) target.end = start
  }
}
