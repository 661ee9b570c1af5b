import { closeJson } from './close-json.ts'
import { createEventStreamReader } from './event-stream-reader.ts'
import { type JsonObject, parseObject } from './json.ts'
import { createJsonArrayReader } from './json-array-reader.ts'
import { createSseReader, type SseReader } from './sse-reader.ts'

/** The format of a body, told by its first bytes: content types are wrong too often. */
export type BodyFormat = 'json' | 'json-lines' | 'json-array' | 'sse' | 'event-stream' | 'other'

/** Reads a response's body, of any format, while it arrives. */
export interface BodyReader {
  /** Undefined until something other than white space has arrived. */
  readonly format: BodyFormat | undefined
  /** Set if a JSON body was longer than is kept. */
  readonly cut: boolean
  push(chunk: Uint8Array): void
  end(): void
}

/** What a reader calls. */
export interface BodyEvents {
  /** A whole JSON body, or what one event or line of a stream says. */
  value(data: JsonObject, event: string | undefined): void
  /** An event that is not a JSON object. */
  text(text: string, event: string | undefined): void
}

const TAIL_LENGTH = 8 * 1024
const SSE_START = /^(?:data|event|id|retry|error)?:/
const SSE_PREFIXES = ['data:', 'event:', 'id:', 'retry:', 'error:']

/** Creates a reader that keeps at most `maxBytes` of a body or of one event. */
export function createBodyReader(maxBytes: number, contentType: string, events: BodyEvents): BodyReader {
  const decoder = new TextDecoder('utf-8')
  let format: BodyFormat | undefined = /vnd\.amazon\.eventstream/i.test(contentType)
    ? 'event-stream'
    : undefined
  const frames =
    format === undefined
      ? undefined
      : createEventStreamReader(maxBytes, data => events.value(data, undefined))
  let sse: SseReader | undefined
  let array: ((text: string) => void) | undefined
  let held = ''
  let tail = ''
  let cut = false
  let mayBeLines = true

  function take(text: string): void {
    if (format === undefined) {
      held = (held + text).trimStart()
      const found = formatOf(held, contentType)
      if (found === undefined) return
      format = found
      const begun = held
      held = ''
      return take(begun)
    }
    if (format === 'sse') {
      sse ??= createSseReader(maxBytes, ({ event, data }) => tell(data, event))
      sse.push(text)
    } else if (format === 'json-array') {
      array ??= createJsonArrayReader(maxBytes, json => tell(json, undefined))
      array(text)
    } else if (format === 'json-lines') takeLines(text)
    else takeWhole(text)
  }

  function takeWhole(text: string): void {
    if (!cut) held += text
    else tail = (tail + text).slice(-TAIL_LENGTH)
    if (mayBeLines && format === 'json' && !cut) {
      const lineEnd = held.indexOf('\n')
      // Several values in lines, or one that is written over several lines.
      if (lineEnd !== -1 && held.slice(lineEnd).trim() !== '') {
        mayBeLines = parseObject(held.slice(0, lineEnd)) !== undefined
        if (mayBeLines) return becomeLines()
      }
    }
    if (held.length <= maxBytes) return
    tail = held.slice(maxBytes).slice(-TAIL_LENGTH)
    held = held.slice(0, maxBytes)
    cut = true
  }

  function becomeLines(): void {
    const lines = held
    format = 'json-lines'
    held = ''
    takeLines(lines)
  }

  function takeLines(text: string): void {
    const lines = (held + text).split('\n')
    held = lines.pop() ?? ''
    for (const line of lines) tell(line, undefined)
    if (held.length > maxBytes) held = ''
  }

  function tell(json: string, event: string | undefined): void {
    const value = json.trimStart()[0] === '{' ? parseObject(json) : undefined
    if (value !== undefined) events.value(value, event)
    else if (json.trim() !== '') events.text(json, event)
  }

  return {
    get format() {
      return format
    },
    get cut() {
      return cut
    },
    push(chunk) {
      if (frames !== undefined) return frames(chunk)
      take(decoder.decode(chunk, { stream: true }))
    },
    end() {
      if (frames !== undefined) return
      take(decoder.decode())
      sse?.end()
      if (held.trim() === '') return
      if (format === 'json') {
        const value = parseObject(held) ?? parseObject(closeJson(held))
        if (value === undefined) return events.text(held, undefined)
        events.value(cut ? { ...value, ...lastMembers(tail) } : value, undefined)
      } else tell(held, undefined)
    },
  }
}

function formatOf(start: string, contentType: string): BodyFormat | undefined {
  if (start === '') return undefined
  if (start[0] === '{') return /ndjson|jsonl|json-seq|json-lines/i.test(contentType) ? 'json-lines' : 'json'
  if (start[0] === '[') return 'json-array'
  if (SSE_START.test(start)) return 'sse'
  // Too little to tell.
  if (start.length < 8 && SSE_PREFIXES.some(prefix => prefix.startsWith(start))) return undefined
  return /event-stream/i.test(contentType) ? 'sse' : 'other'
}

// Where the APIs say, at the end of a body, what it cost and by which model.
const LAST_MEMBERS =
  /"(usage|usageMetadata|meta|model|prompt_eval_count)"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|"[^"]*"|\d+)/g

/** Members that stand in the last part of a body which is too long to be parsed, such as one of embeddings. */
function lastMembers(tail: string): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [, name = '', json = ''] of tail.matchAll(LAST_MEMBERS)) {
    try {
      found[name] = JSON.parse(json)
    } catch {
      // Part of a text that looks like one.
    }
  }
  return found
}
