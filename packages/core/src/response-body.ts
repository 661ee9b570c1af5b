import { createStreamedAnswer, type StreamedAnswer } from './streamed-answer.ts'
import { isTextType, readText } from './text-body.ts'
import { copyOf, firstBytes } from './text-cut.ts'
import { createTextParts } from './text-parts.ts'

/** A response's body as the app writes it, of which no more than a bound is kept. */
export interface ResponseBody {
  /** When the first piece of an answer came, by `performance.now()`. */
  readonly firstTokenAt: number | undefined
  /** What a stream says went wrong in it. */
  readonly error: string | undefined
  write(chunk: string | Uint8Array, charset: BufferEncoding | undefined): void
  /** What it says; undefined where there was none. */
  value(): unknown
}

/** What the headers say of a body. */
export interface BodyHeaders {
  readonly contentType: string
  /** How the app itself encoded it, such as `gzip`; `''` where it did not. */
  readonly encoding: string
}

const SLICE_BYTES = 64 * 1024

/** Reads a body whose first chunk is about to be written, and keeps `maxBytes` of it. */
export function createResponseBody(maxBytes: number, { contentType, encoding }: BodyHeaders): ResponseBody {
  const decoder = new TextDecoder('utf-8')
  const parts = createTextParts()
  let left = maxBytes
  let bytes = 0
  let missing = 0
  let begun = false
  let opaque: string | undefined
  let answer: StreamedAnswer | undefined
  let firstTokenAt: number | undefined

  function begin(chunk: string | Uint8Array): void {
    begun = true
    if (encoding !== '' && encoding !== 'identity') opaque = encoding
    else if (!isTextType(contentType)) opaque = contentType
    else if (typeof chunk !== 'string' && chunk.subarray(0, 1_024).includes(0)) opaque = 'binary'
    else if (/^text\/event-stream\b/i.test(contentType)) answer = createStreamedAnswer(maxBytes)
  }

  function take(text: string): void {
    if (answer !== undefined) return answer.push(text)
    const kept = firstBytes(text, left)
    if (kept !== '') parts.add(kept)
    const textBytes = Buffer.byteLength(text)
    left = kept === text ? left - textBytes : 0
    if (kept !== text) missing += textBytes - Buffer.byteLength(kept)
  }

  return {
    get firstTokenAt() {
      return firstTokenAt
    },
    get error() {
      return answer?.error
    },
    write(chunk, charset) {
      if (chunk.length === 0) return
      if (!begun) begin(chunk)
      const foreign = typeof chunk === 'string' && charset !== undefined && !/^utf-?8$/i.test(charset)
      const data = foreign ? Buffer.from(chunk, charset) : chunk
      bytes += Buffer.byteLength(data)
      if (opaque !== undefined) return
      // In slices, so that a huge chunk is not held a second time.
      for (let at = 0; at < data.length; at += SLICE_BYTES) {
        const slice =
          typeof data === 'string' ? data.slice(at, at + SLICE_BYTES) : data.subarray(at, at + SLICE_BYTES)
        if (answer === undefined && left === 0) missing += Buffer.byteLength(slice)
        else if (typeof slice !== 'string') take(decoder.decode(slice, { stream: true }))
        else take(slice.length === data.length ? slice : copyOf(slice))
      }
      if (firstTokenAt === undefined && (answer === undefined || answer.started)) {
        firstTokenAt = performance.now()
      }
    },
    value() {
      if (!begun) return undefined
      if (opaque !== undefined) return `[${opaque}: ${bytes} bytes]`
      if (answer !== undefined) return answer.value()
      return readText(parts.joined() + decoder.decode(), contentType, missing)
    },
  }
}
