import { writeNested } from './attribute-encoder.ts'
import {
  type ByteSink,
  createByteSink,
  exactCopy,
  writeBytes,
  writeTextField,
  writeVarint,
} from './byte-sink.ts'
import { readFields, type WireField } from './wire-reader.ts'

const LONG_TEXT_BYTES = 4 * 1024
const KEPT_TEXT_BYTES = 1024

/** The messages on the way from an `ExportTraceServiceRequest` to the texts of a span, by field number. */
interface Level {
  readonly [field: number]: Level | 'text'
}

const LIST: { [field: number]: Level | 'text' } = {}
// AnyValue: string_value, array_value, kvlist_value, bytes_value; what a list holds is an AnyValue or a KeyValue again.
const VALUE: Level = { 1: 'text', 5: LIST, 6: LIST, 7: 'text' }
const KEY_VALUE: Level = { 2: VALUE }
const SPAN: Level = { 9: KEY_VALUE, 11: { 3: KEY_VALUE }, 13: { 4: KEY_VALUE }, 15: { 2: 'text' } }
const REQUEST: Level = { 1: { 2: { 2: SPAN } } }

/**
 * Cuts the long texts of every span in a request body, so that an observation too large to be stored loses its input and output but not its
 * existence: model, usage, cost and level are short. Returns `undefined` if there is no long text.
 */
export function shrinkRequest(body: Uint8Array): Uint8Array | undefined {
  return shrink(body, REQUEST)
}

/** The same for one encoded `Span` field of a `ScopeSpans`. */
export function shrinkSpan(span: Uint8Array): Uint8Array | undefined {
  return shrink(span, { 2: SPAN })
}

function shrink(message: Uint8Array, level: Level): Uint8Array | undefined {
  const sink = createByteSink(KEPT_TEXT_BYTES * 4)
  return copy(sink, message, level) ? exactCopy([sink.bytes.subarray(0, sink.end)]) : undefined
}

/** Copies a message with its long texts cut. Returns false if none was. */
function copy(sink: ByteSink, message: Uint8Array, level: Level): boolean {
  let isCut = false
  for (const field of readFields(message)) {
    const inner = field.content.length > LONG_TEXT_BYTES ? level[field.number] : undefined
    if (inner === undefined) writeBytes(sink, field.whole)
    else if (inner === 'text') {
      writeCut(sink, field)
      isCut = true
    } else if (inner === LIST) {
      // A nested list is replaced by what is left of its text.
      writeEmpty(sink, field)
      isCut = true
    } else {
      writeNested(sink, tagOf(field), () => {
        isCut = copy(sink, field.content, inner) || isCut
      })
    }
  }
  return isCut
}

function writeCut(sink: ByteSink, field: WireField): void {
  const kept = new TextDecoder('utf-8').decode(field.content.subarray(0, KEPT_TEXT_BYTES))
  // A character cut in two decodes to a replacement character.
  const text = `${kept.replace(/\uFFFD+$/, '')} [cut: ${field.content.length - KEPT_TEXT_BYTES} of ${field.content.length} bytes: too large to send]`
  writeBytes(sink, new Uint8Array(0))
  const room = createByteSink(text.length * 3 + 16)
  writeTextField(room, tagOf(field), text)
  writeBytes(sink, room.bytes.subarray(0, room.end))
}

function writeEmpty(sink: ByteSink, field: WireField): void {
  const room = createByteSink(16)
  room.bytes[room.end++] = tagOf(field)
  writeVarint(room, 0)
  writeBytes(sink, room.bytes.subarray(0, room.end))
}

/** Tag of a length-delimited field; all numbers here are below 16. */
function tagOf(field: WireField): number {
  return (field.number << 3) | 2
}
