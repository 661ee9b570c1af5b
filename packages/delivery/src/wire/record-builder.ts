import type { Attributes } from '@opentelemetry/api'
import type { InstrumentationScope } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { withGetters } from '../basics/with-getters.ts'
import { writeAttributes } from './attribute-encoder.ts'
import {
  type ByteSink,
  createByteSink,
  exactCopy,
  reserveText,
  writeBytes,
  writeTextField,
  writeVarint,
} from './byte-sink.ts'
import { shrinkSpan } from './shrink-request.ts'
import { writeSpan } from './span-encoder.ts'

type Resource = ReadableSpan['resource']

/** Spans as one complete `ExportTraceServiceRequest` body; bodies may be joined end to end. */
export interface EncodedRecord {
  body: Uint8Array
  spans: number
}

/** Collects spans, or other items, into a record. */
export interface RecordBuilder<Item = ReadableSpan> {
  /**
   * Encodes a span at once, keeping nothing of the object. The long texts of a span of more than `maxSpanBytes` are cut; if it is still
   * larger, the result is false. Throws if it cannot be encoded. Both leave the record as it was.
   */
  add(span: Item): boolean
  readonly spans: number
  readonly bytes: number
  /** Takes the record out, or `undefined` where nothing was added. */
  seal(): EncodedRecord | undefined
}

export interface RecordBuilderOptions {
  /** Attributes that every resource gets, over its own. */
  resourceAttributes?: Attributes | undefined
  /** Attributes that a span gets, over its own. */
  mark?: ((span: ReadableSpan) => Attributes | undefined) | undefined
  /** The largest span. @default unlimited */
  maxSpanBytes?: number | undefined
}

const SINK_BYTES = 4 * 1024
const KEPT_SINK_BYTES = 1024 * 1024
// Where a record holds one large span, the next is often of another scope.
const SPARE_SINKS = 4

interface ResourceGroup {
  head: readonly Uint8Array[]
  tail: Uint8Array
  scopes: Map<InstrumentationScope, ScopeGroup>
}

interface ScopeGroup {
  head: readonly Uint8Array[]
  spans: ByteSink
  tail: Uint8Array
}

/** Creates a record builder of spans, which names each resource and scope once. */
export function createRecordBuilder(options: RecordBuilderOptions = {}): RecordBuilder {
  const { maxSpanBytes = Number.POSITIVE_INFINITY, resourceAttributes } = options
  const resources = new Map<Resource, ResourceGroup>()
  const spareSinks: ByteSink[] = []
  let spans = 0
  let bytes = 0

  return withGetters({
    get spans() {
      return spans
    },
    get bytes() {
      return bytes
    },
    add(span) {
      const sink = sinkOf(span)
      const start = sink.end
      try {
        writeSpan(sink, span, markOf(span))
      } catch (error) {
        sink.end = start
        throw error
      }
      if (sink.end - start > maxSpanBytes && !shrinkLastSpan(sink, start, maxSpanBytes)) return false
      spans += 1
      bytes += sink.end - start
      return true
    },
    seal() {
      if (spans === 0) return undefined
      const body = exactCopy([...resources].flatMap(([resource, group]) => resourceSpans(resource, group)))
      const record = { body, spans }
      for (const { scopes } of resources.values()) for (const scope of scopes.values()) reset(scope.spans)
      spans = 0
      bytes = 0
      return record
    },
  })

  function markOf(span: ReadableSpan): Attributes | undefined {
    try {
      return options.mark?.(span)
    } catch {
      return undefined
    }
  }

  /** Resource and scope are encoded when they first occur, so that one that cannot be costs its span only. */
  function sinkOf({ resource, instrumentationScope: scope }: ReadableSpan): ByteSink {
    let group = resources.get(resource)
    if (group === undefined) {
      const head = framed(0x0a, [encodeAttributes(resource.attributes, resourceAttributes)])
      group = { head, tail: encodeText(0x1a, resource.schemaUrl), scopes: new Map() }
      resources.set(resource, group)
    }
    let scopeGroup = group.scopes.get(scope)
    if (scopeGroup === undefined) {
      const head = framed(0x0a, [encodeText(0x0a, scope.name), encodeText(0x12, scope.version)])
      scopeGroup = {
        head,
        spans: spareSinks.pop() ?? createByteSink(SINK_BYTES),
        tail: encodeText(0x1a, scope.schemaUrl),
      }
      group.scopes.set(scope, scopeGroup)
    }
    return scopeGroup.spans
  }

  /** What no span used since the last record is forgotten, so that short-lived resources and scopes do not pile up. */
  function resourceSpans(resource: Resource, { head, tail, scopes }: ResourceGroup): Uint8Array[] {
    for (const [scope, { spans }] of scopes) {
      if (spans.end > 0) continue
      scopes.delete(scope)
      if (spareSinks.length < SPARE_SINKS) spareSinks.push(spans)
    }
    if (scopes.size === 0 || resource.asyncAttributesPending) resources.delete(resource)
    if (scopes.size === 0) return []
    return framed(0x0a, [...head, ...[...scopes.values()].flatMap(scopeSpans), tail])
  }
}

/** Shortens the texts of the span at the end of a sink. If it is still too large, it is removed and the result is false. */
function shrinkLastSpan(sink: ByteSink, start: number, maxBytes: number): boolean {
  const smaller = shrinkSpan(sink.bytes.subarray(start, sink.end))
  sink.end = start
  if (smaller === undefined || smaller.length > maxBytes) return false
  writeBytes(sink, smaller)
  return true
}

function scopeSpans({ head, spans, tail }: ScopeGroup): Uint8Array[] {
  return framed(0x12, [...head, spans.bytes.subarray(0, spans.end), tail])
}

function encodeAttributes(attributes: Attributes, over: Attributes | undefined): Uint8Array {
  const sink = createByteSink(512)
  writeAttributes(sink, 0x0a, attributes, over)
  if (over !== undefined) writeAttributes(sink, 0x0a, over)
  return sink.bytes.subarray(0, sink.end)
}

function encodeText(tag: number, text: string | undefined): Uint8Array {
  const sink = createByteSink(0)
  if (!text) return sink.bytes
  reserveText(sink, text, 8)
  writeTextField(sink, tag, text)
  return sink.bytes.subarray(0, sink.end)
}

/** Puts a tag and the total length before the parts of a message. */
function framed(tag: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const head = createByteSink(8)
  head.bytes[head.end++] = tag
  writeVarint(
    head,
    parts.reduce((total, part) => total + part.length, 0),
  )
  return [head.bytes.subarray(0, head.end), ...parts]
}

function reset(sink: ByteSink): void {
  sink.end = 0
  if (sink.bytes.length > KEPT_SINK_BYTES) sink.bytes = Buffer.alloc(0)
}
