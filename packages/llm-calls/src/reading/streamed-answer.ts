import { createAnswer } from '../answer/answer.ts'
import { DIALECTS } from '../dialects/dialects.ts'
import { reportedError } from '../dialects/error-message.ts'
import { parseObject } from '../wire/json.ts'
import { createSseReader } from '../wire/sse-reader.ts'

/** The server-sent events of one response, in whatever dialect. */
export interface StreamedAnswer {
  /** True once something was generated. */
  readonly started: boolean
  /** The error that the stream reports. */
  readonly error: string | undefined
  push(text: string): void
  /** The assistant's message, else the events as they are; undefined if there were none. */
  value(): unknown
}

// If no dialect fits: common names for a piece of text.
const TEXT_KEYS = ['delta', 'text', 'content', 'token'] as const

/** Reads server-sent events of a server that may speak any dialect, and keeps at most `maxBytes` of them. */
export function createStreamedAnswer(maxBytes: number): StreamedAnswer {
  const answer = createAnswer(maxBytes)
  const others: unknown[] = []
  let left = maxBytes
  let missing = 0
  const reader = createSseReader(maxBytes, ({ event, data }) => {
    if (data === '[DONE]') return
    const value = data[0] === '{' ? parseObject(data) : undefined
    if (value === undefined) return answer.text(textOf(data))
    answer.state({ error: reportedError(value, event) })
    const dialect = DIALECTS.find(({ recognises }) => recognises(value))
    if (dialect !== undefined) return dialect.response(value, answer)
    const key = TEXT_KEYS.find(name => typeof value[name] === 'string')
    if (key !== undefined) return answer.text(value[key])
    left -= data.length
    if (left >= 0) others.push(value)
    else missing += 1
  })

  return {
    get started() {
      return answer.started || others.length > 0
    },
    get error() {
      return answer.error
    },
    push: reader.push,
    value() {
      const message = answer.message()
      if (message !== undefined || others.length === 0) return message
      const cut = missing + reader.skipped
      return cut === 0 ? others : [...others, `[cut: ${cut} more]`]
    },
  }
}

/** A JSON string, or the text as it is: a copy, since a slice keeps the chunk that it was cut from in memory. */
function textOf(data: string): string {
  if (data[0] === '"') {
    try {
      return String(JSON.parse(data))
    } catch {
      // Text that begins with a quote.
    }
  }
  return Buffer.from(data, 'utf16le').toString('utf16le')
}
