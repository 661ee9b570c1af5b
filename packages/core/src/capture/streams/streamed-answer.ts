import { copyOf } from '../text/text-cut.ts'
import { createAnswer } from './answer.ts'
import { anthropicStream } from './anthropic-stream.ts'
import { openaiChatStream } from './openai-chat-stream.ts'
import { openaiResponsesStream } from './openai-responses-stream.ts'
import { uiMessageStream } from './ui-message-stream.ts'
import { type EventData, members, type WireShape } from './wire-shape.ts'

/** The server-sent events of one response, understood as they pass. */
export interface StreamedAnswer {
  /** Whether anything was generated yet. */
  readonly started: boolean
  /** What the stream says went wrong. */
  readonly error: string | undefined
  push(text: string): void
  /** The assistant's message, else the events as they are; undefined where there were none. */
  value(): unknown
}

const SHAPES: readonly WireShape[] = [
  openaiChatStream,
  anthropicStream,
  openaiResponsesStream,
  uiMessageStream,
]

// Where none of the shapes fits: what one's own handlers commonly call a piece of text.
const TEXT_KEYS = ['delta', 'text', 'content', 'token'] as const

const LEAST_EVENT = 16 * 1024
const EVENT_END = /\r\n\r\n|\n\n|\r\r/

/** Reads server-sent events, and keeps no more than `maxBytes` of them. */
export function createStreamedAnswer(maxBytes: number): StreamedAnswer {
  const { createParser }: typeof import('eventsource-parser') = require('eventsource-parser')
  const answer = createAnswer(maxBytes)
  const others: unknown[] = []
  let left = maxBytes
  let missing = 0
  let error: string | undefined
  // The end of what came in while an event was passed over for its size; undefined where none is.
  let skipped: string | undefined
  const maxEvent = Math.max(maxBytes, LEAST_EVENT)
  const parser = createParser({
    maxBufferSize: maxEvent + LEAST_EVENT,
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded') skipped = ''
    },
    onEvent({ event, data }) {
      if (data === '[DONE]') return
      // However it was cut into chunks, an event of this size is passed over.
      if (data.length > maxEvent) {
        missing += 1
        return
      }
      const parsed = parse(data)
      if (typeof parsed === 'string') return answer.text(copyOf(parsed))
      error ??= errorOf(event, parsed)
      const shape = SHAPES.find(one => one.recognises(parsed))
      if (shape !== undefined) return shape.read(parsed, answer)
      const key = TEXT_KEYS.find(one => typeof parsed[one] === 'string')
      if (key !== undefined) return answer.text(parsed[key])
      left -= data.length
      if (left >= 0) others.push(parsed)
      else missing += 1
    },
  })

  return {
    get started() {
      return answer.started || others.length > 0
    },
    get error() {
      return error
    },
    push(text) {
      let rest = text
      if (skipped !== undefined) {
        const tail = skipped + text
        const end = EVENT_END.exec(tail)
        skipped = tail.slice(-3)
        if (end === null) return
        missing += 1
        skipped = undefined
        rest = tail.slice(end.index + end[0].length)
        parser.reset()
      }
      parser.feed(rest)
      if (skipped !== undefined) skipped = rest.slice(-3)
    },
    value() {
      const said = answer.message()
      if (said !== undefined || others.length === 0) return said
      return missing === 0 ? others : [...others, `[cut: ${missing} more]`]
    },
  }
}

/** JSON where it is an object or a string; any other text, numbers too, is a piece of the answer. */
function parse(data: string): EventData | string {
  if (data[0] !== '{' && data[0] !== '"') return data
  try {
    const parsed: unknown = JSON.parse(data)
    return typeof parsed === 'string' ? parsed : members(parsed)
  } catch {
    return data
  }
}

function errorOf(event: string | undefined, data: EventData): string | undefined {
  if (event !== 'error' && data.type !== 'error' && typeof data.error !== 'object') return undefined
  const { message } = members(data.error)
  const said = message ?? data.errorText ?? data.message
  return typeof said === 'string' ? said.slice(0, 1_000) : undefined
}
