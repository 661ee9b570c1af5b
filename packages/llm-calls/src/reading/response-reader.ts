import type { Answer } from '../answer/answer.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { DIALECTS } from '../dialects/dialects.ts'
import { messageOf, reportedError } from '../dialects/error-message.ts'
import { type BodyFormat, createBodyReader } from '../wire/body-reader.ts'

/** Reads a response into an answer while it arrives. */
export interface ResponseReader {
  /** True if it is sent in pieces; undefined as long as nothing has arrived. */
  readonly isStream: boolean | undefined
  /** True if something of it had the form of the dialect. */
  readonly recognised: boolean
  push(chunk: Uint8Array): void
  end(): void
}

interface ResponseReaderOptions {
  readonly dialect: Dialect
  readonly answer: Answer
  readonly statusCode: number
  readonly contentType: string
  /** Kept of a whole body, or of one event. */
  readonly maxBytes: number
}

const STREAMS: readonly (BodyFormat | undefined)[] = ['sse', 'json-lines', 'json-array', 'event-stream']
const MAX_PLAIN_ERROR = 300

/** Creates a reader of one response. */
export function createResponseReader(options: ResponseReaderOptions): ResponseReader {
  const { dialect, answer, statusCode } = options
  const failed = statusCode >= 400
  let recognised = false
  const body = createBodyReader(options.maxBytes, options.contentType, {
    value(data, event) {
      if (failed) return answer.state({ error: `HTTP ${statusCode}: ${messageOf(data)}` })
      answer.state({ error: reportedError(data, event) })
      // Some servers answer in another dialect than that of their path.
      const fitting = dialect.recognises(data) ? dialect : DIALECTS.find(other => other.recognises(data))
      recognised ||= fitting !== undefined
      ;(fitting ?? dialect).response(data, answer)
    },
    text(text, event) {
      const isPage = text.trimStart().startsWith('<')
      if (failed)
        answer.state({ error: isPage ? undefined : `HTTP ${statusCode}: ${text.slice(0, MAX_PLAIN_ERROR)}` })
      else if (event === 'error') answer.state({ error: text.slice(0, MAX_PLAIN_ERROR) })
    },
  })

  return {
    get isStream() {
      return body.format === undefined ? undefined : STREAMS.includes(body.format)
    },
    get recognised() {
      return recognised
    },
    push: body.push,
    end() {
      body.end()
      if (failed) answer.state({ error: `HTTP ${statusCode}` })
    },
  }
}
