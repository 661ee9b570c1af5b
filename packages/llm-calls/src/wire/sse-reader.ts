import { createParser } from 'eventsource-parser'

/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  readonly event: string | undefined
  readonly data: string
}

/** Reads server-sent events from text in pieces. */
export interface SseReader {
  /** Events that were skipped because of their size. */
  readonly skipped: number
  push(text: string): void
  /** Delivers an event that the stream left without its blank line. */
  end(): void
}

const SMALLEST_MAX_EVENT = 16 * 1024
const EVENT_END = /\r\n\r\n|\n\n|\r\r/

/** Creates a reader that skips events of more than `maxBytes`, or 16 KB if that is more. */
export function createSseReader(maxBytes: number, onEvent: (event: ServerSentEvent) => void): SseReader {
  const maxEvent = Math.max(maxBytes, SMALLEST_MAX_EVENT)
  let skipped = 0
  // The last characters seen while an oversized event is skipped; undefined if none is.
  let skipping: string | undefined
  const parser = createParser({
    maxBufferSize: maxEvent + SMALLEST_MAX_EVENT,
    onError({ type, field, value }) {
      if (type === 'max-buffer-size-exceeded') skipping = ''
      // llama.cpp reports an error as a field of that name.
      else if (type === 'unknown-field' && field === 'error') onEvent({ event: 'error', data: value ?? '' })
    },
    onEvent({ event, data }) {
      // The parser's own bound depends on how the event was cut into chunks.
      if (data.length > maxEvent) skipped += 1
      else onEvent({ event, data })
    },
  })

  return {
    get skipped() {
      return skipped
    },
    push(text) {
      let rest = text
      if (skipping !== undefined) {
        const tail = skipping + text
        const end = EVENT_END.exec(tail)
        skipping = tail.slice(-3)
        if (end === null) return
        skipped += 1
        skipping = undefined
        rest = tail.slice(end.index + end[0].length)
        parser.reset()
      }
      parser.feed(rest)
      if (skipping !== undefined) skipping = rest.slice(-3)
    },
    end() {
      if (skipping === undefined) parser.feed('\n\n')
    },
  }
}
