import type { Attributes, HrTime, Link, SpanContext, SpanStatus } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base'
import { writeAttributes, writeNested } from './attribute-encoder.ts'
import { type ByteSink, closeLength, reserve, reserveText, writeTextField, writeVarint } from './byte-sink.ts'

const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200
const NANOSECONDS = 1e9

const NIBBLES = new Uint8Array(128)
for (let digit = 0; digit < 16; digit++) {
  NIBBLES[digit.toString(16).charCodeAt(0)] = digit
  NIBBLES[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * Appends `span` as one OTLP `Span` field of a `ScopeSpans` message, so that a sequence of such fields is a list of spans.
 * `extra` attributes win over the span's own.
 */
export function writeSpan(sink: ByteSink, span: ReadableSpan, extra?: Attributes): void {
  const context = span.spanContext()
  reserve(sink, 8)
  sink.bytes[sink.end++] = 0x12
  const start = sink.end
  sink.end += 2
  writeId(sink, 0x0a, context.traceId)
  writeId(sink, 0x12, context.spanId)
  writeTraceState(sink, context)
  const parentId = span.parentSpanContext?.spanId
  if (parentId) writeId(sink, 0x22, parentId)
  reserveText(sink, span.name, 48)
  writeTextField(sink, 0x2a, span.name)
  sink.bytes[sink.end++] = 0x30
  writeVarint(sink, span.kind + 1)
  writeTime(sink, 0x39, span.startTime)
  writeTime(sink, 0x41, span.endTime)
  writeAttributes(sink, 0x4a, span.attributes, extra)
  if (extra !== undefined) writeAttributes(sink, 0x4a, extra)
  writeCount(sink, 0x50, span.droppedAttributesCount)
  for (const event of span.events) writeNested(sink, 0x5a, () => writeEvent(sink, event))
  writeCount(sink, 0x60, span.droppedEventsCount)
  for (const link of span.links) writeNested(sink, 0x6a, () => writeLink(sink, link))
  writeCount(sink, 0x70, span.droppedLinksCount)
  writeStatus(sink, span.status)
  reserve(sink, 8)
  sink.bytes[sink.end++] = 0x85
  sink.bytes[sink.end++] = 0x01
  writeFlags(sink, context.traceFlags, span.parentSpanContext?.isRemote)
  closeLength(sink, start, 2, sink.end - start - 2)
}

function writeStatus(sink: ByteSink, { code, message }: SpanStatus): void {
  reserveText(sink, message ?? '', 32)
  sink.bytes[sink.end++] = 0x7a
  const start = sink.end++
  if (message) writeTextField(sink, 0x12, message)
  writeCount(sink, 0x18, code)
  closeLength(sink, start, 1, sink.end - start - 1)
}

function writeEvent(sink: ByteSink, event: TimedEvent): void {
  reserveText(sink, event.name, 32)
  writeTime(sink, 0x09, event.time)
  writeTextField(sink, 0x12, event.name)
  if (event.attributes) writeAttributes(sink, 0x1a, event.attributes)
  writeCount(sink, 0x20, event.droppedAttributesCount)
}

function writeLink(sink: ByteSink, link: Link): void {
  writeId(sink, 0x0a, link.context.traceId)
  writeId(sink, 0x12, link.context.spanId)
  writeTraceState(sink, link.context)
  if (link.attributes) writeAttributes(sink, 0x22, link.attributes)
  writeCount(sink, 0x28, link.droppedAttributesCount)
  reserve(sink, 8)
  sink.bytes[sink.end++] = 0x35
  writeFlags(sink, link.context.traceFlags, link.context.isRemote)
}

function writeId(sink: ByteSink, tag: number, hex: string): void {
  reserve(sink, hex.length + 2)
  const { bytes } = sink
  let at = sink.end
  bytes[at++] = tag
  bytes[at++] = hex.length >> 1
  for (let index = 0; index < hex.length; index += 2) {
    bytes[at++] = (NIBBLES[hex.charCodeAt(index)]! << 4) | NIBBLES[hex.charCodeAt(index + 1)]!
  }
  sink.end = at
}

function writeTraceState(sink: ByteSink, context: SpanContext): void {
  const state = context.traceState?.serialize()
  if (!state) return
  reserveText(sink, state, 16)
  writeTextField(sink, 0x1a, state)
}

/** Nanoseconds since the epoch exceed 2^53, so the product is put together from two exact halves. */
function writeTime(sink: ByteSink, tag: number, [seconds, nanoseconds]: HrTime): void {
  const upper = Math.floor(seconds / 0x10000) * NANOSECONDS
  const lower = (seconds % 0x10000) * NANOSECONDS + Math.trunc(nanoseconds)
  const low = (upper % 0x10000) * 0x10000 + (lower % 0x100000000)
  const high = Math.floor(upper / 0x10000) + Math.floor(lower / 0x100000000) + Math.floor(low / 0x100000000)
  sink.bytes[sink.end++] = tag
  writeFixed32(sink, low)
  writeFixed32(sink, high)
}

function writeFlags(sink: ByteSink, traceFlags: number, isRemote: boolean | undefined): void {
  writeFixed32(sink, (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0))
}

function writeFixed32(sink: ByteSink, value: number): void {
  const { bytes, end } = sink
  bytes[end] = value
  bytes[end + 1] = value >>> 8
  bytes[end + 2] = value >>> 16
  bytes[end + 3] = value >>> 24
  sink.end = end + 4
}

function writeCount(sink: ByteSink, tag: number, count: number | undefined): void {
  if (!count) return
  reserve(sink, 12)
  sink.bytes[sink.end++] = tag
  writeVarint(sink, count)
}
