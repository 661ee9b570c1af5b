import { TextDecoder } from 'node:util'
import { createStreamedAnswer, createTextParts, type StreamedAnswer } from '@langfuse-middleware/llm-calls'
import { copyOf, firstBytes } from './text/text-cut.ts'
import { isTextType, readText } from './text-body.ts'

/** What the headers say of a body. */
export interface BodyHeaders {
  readonly contentType: string
  /** How the app itself encoded it, such as `gzip`; `''` where it did not. */
  readonly encoding: string
}

const SLICE_BYTES = 64 * 1024

/** A response's body as the app writes it, of which no more than a bound is kept. */
export class ResponseBody {
  /** When the first piece of an answer came, by `performance.now()`. */
  firstTokenAt: number | undefined
  private readonly maxBytes: number
  private readonly headers: BodyHeaders
  private readonly parts = createTextParts()
  private decoder: TextDecoder | undefined
  private left: number
  private bytes = 0
  private missing = 0
  private begun = false
  private opaque: string | undefined
  private answer: StreamedAnswer | undefined

  /** Reads a body whose first chunk is about to be written, and keeps `maxBytes` of it. */
  constructor(maxBytes: number, headers: BodyHeaders) {
    this.maxBytes = maxBytes
    this.left = maxBytes
    this.headers = headers
  }

  /** What a stream says went wrong in it. */
  get error(): string | undefined {
    return this.answer?.error
  }

  write(chunk: string | Uint8Array, charset: BufferEncoding | undefined): void {
    if (chunk.length === 0) return
    if (!this.begun) this.begin(chunk)
    const foreign = typeof chunk === 'string' && charset !== undefined && !/^utf-?8$/i.test(charset)
    const data = foreign ? Buffer.from(chunk, charset) : chunk
    this.bytes += Buffer.byteLength(data)
    if (this.opaque !== undefined) return
    // In slices, so that a huge chunk is not held a second time.
    for (let at = 0; at < data.length; at += SLICE_BYTES) {
      const slice =
        typeof data === 'string' ? data.slice(at, at + SLICE_BYTES) : data.subarray(at, at + SLICE_BYTES)
      if (this.answer === undefined && this.left === 0) this.missing += Buffer.byteLength(slice)
      else if (typeof slice !== 'string') this.take(this.decoded(slice))
      else this.take(slice.length === data.length ? slice : copyOf(slice))
    }
    if (this.firstTokenAt === undefined && (this.answer === undefined || this.answer.started)) {
      this.firstTokenAt = performance.now()
    }
  }

  /** What it says; undefined where there was none. */
  value(): unknown {
    if (!this.begun) return undefined
    if (this.opaque !== undefined) return `[${this.opaque}: ${this.bytes} bytes]`
    if (this.answer !== undefined) return this.answer.value()
    return readText(
      this.parts.joined() + (this.decoder?.decode() ?? ''),
      this.headers.contentType,
      this.missing,
    )
  }

  private begin(chunk: string | Uint8Array): void {
    const { contentType, encoding } = this.headers
    this.begun = true
    if (encoding !== '' && encoding !== 'identity') this.opaque = encoding
    else if (!isTextType(contentType)) this.opaque = contentType
    else if (typeof chunk !== 'string' && chunk.subarray(0, 1_024).includes(0)) this.opaque = 'binary'
    else if (/^text\/event-stream\b/i.test(contentType)) this.answer = createStreamedAnswer(this.maxBytes)
  }

  private take(text: string): void {
    if (this.answer !== undefined) return this.answer.push(text)
    const kept = firstBytes(text, this.left)
    if (kept !== '') this.parts.add(kept)
    const textBytes = Buffer.byteLength(text)
    this.left = kept === text ? this.left - textBytes : 0
    if (kept !== text) this.missing += textBytes - Buffer.byteLength(kept)
  }

  private decoded(bytes: Uint8Array): string {
    this.decoder ??= new TextDecoder('utf-8')
    return this.decoder.decode(bytes, { stream: true })
  }
}
