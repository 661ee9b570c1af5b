import { readFields } from '@langfuse-middleware/delivery'

/** What is read of a span to decide on its trace. */
export interface ReadSpan {
  readonly name: string
  /** `service.name` of its resource. */
  readonly service: string | undefined
  /** Status ERROR, or Langfuse's level ERROR. */
  readonly failed: boolean
  /** Unix time in ms, by the clock of the service. */
  readonly startMs: number
  readonly endMs: number
  /** Strings, numbers and booleans; lists and objects are left out. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

type Attributes = Record<string, string | number | boolean>

const MEMBERS = 2
const ATTRIBUTES_OF_RESOURCE = 1
const STATUS_ERROR = 2

/** Reads the spans of an `ExportTraceServiceRequest`. */
export function* readSpans(body: Uint8Array): Generator<ReadSpan> {
  for (const resourceSpans of readFields(body)) {
    let service: string | undefined
    for (const field of readFields(resourceSpans.content)) {
      if (field.number === 1)
        service =
          String(attributesIn(field.content, ATTRIBUTES_OF_RESOURCE)['service.name'] ?? '') || undefined
      if (field.number !== MEMBERS) continue
      for (const span of readFields(field.content))
        if (span.number === MEMBERS) yield readSpan(span.content, service)
    }
  }
}

function readSpan(bytes: Uint8Array, service: string | undefined): ReadSpan {
  let name = ''
  let startMs = 0
  let endMs = 0
  let failed = false
  const attributes: Attributes = {}
  for (const { number, content } of readFields(bytes)) {
    if (number === 5) name = textOf(content)
    else if (number === 7) startMs = millisecondsOf(content)
    else if (number === 8) endMs = millisecondsOf(content)
    else if (number === 9) readAttribute(content, attributes)
    else if (number === 15)
      failed = [...readFields(content)].some(field => field.number === 3 && field.value === STATUS_ERROR)
  }
  failed ||= attributes['langfuse.observation.level'] === 'ERROR'
  return { name, service, failed, startMs, endMs, attributes }
}

function attributesIn(message: Uint8Array, field: number): Attributes {
  const attributes: Attributes = {}
  for (const { number, content } of readFields(message))
    if (number === field) readAttribute(content, attributes)
  return attributes
}

function readAttribute(pair: Uint8Array, attributes: Attributes): void {
  let key = ''
  for (const { number, content } of readFields(pair)) {
    if (number === 1) key = textOf(content)
    if (number !== 2) continue
    for (const value of readFields(content)) {
      if (value.number === 1) attributes[key] = textOf(value.content)
      else if (value.number === 2) attributes[key] = value.value === 1
      else if (value.number === 3) attributes[key] = value.value
      else if (value.number === 4) attributes[key] = bufferOf(value.content).readDoubleLE(0)
    }
  }
}

function textOf(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('utf8')
}

function millisecondsOf(bytes: Uint8Array): number {
  return Number(bufferOf(bytes).readBigUInt64LE(0) / 1_000n) / 1_000
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
