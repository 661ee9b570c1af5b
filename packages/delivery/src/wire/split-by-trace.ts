import { writeNested } from './attribute-encoder.ts'
import { createByteSink, writeBytes } from './byte-sink.ts'
import type { EncodedRecord } from './record-builder.ts'
import { readFields } from './wire-reader.ts'

/** The spans of one trace as a complete `ExportTraceServiceRequest` body. */
export interface TraceRecord extends EncodedRecord {
  /** In lowercase hex, 32 characters; empty for spans without one. */
  traceId: string
}

interface Group {
  /** Fields of the `ResourceSpans` or `ScopeSpans` other than its members. */
  head: readonly Uint8Array[]
  members: (Group | Uint8Array)[]
}

interface Trace extends Group {
  spans: number
  bytes: number
}

const RESOURCE_SPANS = 1
const MEMBERS = 2
const TRACE_ID = 1
const [RESOURCE_SPANS_TAG, MEMBERS_TAG] = [0x0a, 0x12]

/**
 * Splits a request body into one body per trace, copying the encoded spans as they are.
 *
 * @throws RangeError if the body is not protobuf
 */
export function splitByTrace(body: Uint8Array): TraceRecord[] {
  const traces = new Map<string, Trace>()
  for (const resourceSpans of readFields(body)) {
    if (resourceSpans.number !== RESOURCE_SPANS) continue
    const [resource, scopes] = partition(resourceSpans.content)
    const resources = new Map<Trace, Group>()
    for (const scopeSpans of scopes) {
      const [scope, spans] = partition(scopeSpans.content)
      const groups = new Map<Trace, Group>()
      for (const span of spans) {
        const trace = traceOf(span.content)
        const ofResource = groupIn(resources, trace, trace, resource)
        groupIn(groups, trace, ofResource, scope).members.push(span.whole)
        trace.spans += 1
        trace.bytes += span.whole.length
      }
    }
  }
  return [...traces].map(([traceId, trace]) => ({ traceId, spans: trace.spans, body: encode(trace) }))

  function traceOf(span: Uint8Array): Trace {
    const traceId = traceIdOf(span)
    let trace = traces.get(traceId)
    if (trace === undefined) {
      trace = { head: [], members: [], spans: 0, bytes: 0 }
      traces.set(traceId, trace)
    }
    return trace
  }
}

function groupIn(groups: Map<Trace, Group>, trace: Trace, parent: Group, head: readonly Uint8Array[]): Group {
  let group = groups.get(trace)
  if (group === undefined) {
    group = { head, members: [] }
    groups.set(trace, group)
    parent.members.push(group)
    for (const field of head) trace.bytes += field.length
    trace.bytes += 12
  }
  return group
}

function partition(message: Uint8Array) {
  const head: Uint8Array[] = []
  const members: { content: Uint8Array; whole: Uint8Array }[] = []
  for (const field of readFields(message)) {
    if (field.number === MEMBERS) members.push(field)
    else head.push(field.whole)
  }
  return [head, members] as const
}

function traceIdOf(span: Uint8Array): string {
  for (const field of readFields(span)) {
    if (field.number === TRACE_ID) return Buffer.from(field.content).toString('hex')
  }
  return ''
}

function encode(trace: Trace): Uint8Array {
  const sink = createByteSink(trace.bytes)
  for (const resource of trace.members) write(resource as Group, RESOURCE_SPANS_TAG)
  return sink.bytes.subarray(0, sink.end)

  function write(group: Group, tag: number): void {
    writeNested(sink, tag, () => {
      for (const field of group.head) writeBytes(sink, field)
      for (const member of group.members) {
        if (member instanceof Uint8Array) writeBytes(sink, member)
        else write(member, MEMBERS_TAG)
      }
    })
  }
}
