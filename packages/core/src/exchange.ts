import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { boundedJson, shown } from './bounded-json.ts'
import { type Capture, type CaptureOptions, captureOver, NO_CAPTURE } from './capture-options.ts'
import { capturedHeaders, capturedQuery } from './captured-values.ts'
import { redactText } from './credentials.ts'
import type { Log } from './logger.ts'
import { requestBody } from './request-body.ts'
import { pathOf, type RequestLike } from './request-like.ts'
import { type BodyHeaders, createResponseBody, type ResponseBody } from './response-body.ts'
import { createResponseTiming, type ResponseTiming } from './response-timing.ts'
import { observeWrites } from './response-writes.ts'
import { tapStream } from './stream-tap.ts'
import { isTextType, UnreadableText } from './text-body.ts'

/** What a request and its response said, as the root observation shows it; undefined is what was not captured. */
export interface Said {
  readonly input: unknown
  readonly output: unknown
  readonly metadata: Record<string, unknown>
  readonly firstTokenAt: Date | undefined
}

// For the marks of what was cut, and the message around an answer that fills its bound.
const MARKS_BYTES = 256

// A class, as `LiveTrace` is: where anything is captured, one is made per request.
/** What is captured of one request and its response, and when the response was written. */
export class Exchange {
  private readonly request: RequestLike
  private readonly log: Log
  private capture: Capture = NO_CAPTURE
  private response: ServerResponse | undefined
  private body: ResponseBody | undefined
  private timing: ResponseTiming | undefined
  /** Whether others have wrapped the response's writes; undefined where they are not observed. */
  private isWrapped: (() => boolean) | undefined
  /** Whether the adapter showed what is written, before anyone encoded it. */
  private shown = false

  constructor(request: RequestLike, log: Log) {
    this.request = request
    this.log = log
  }

  /** Captures more, or less, than so far. */
  extend(options: CaptureOptions): void {
    try {
      this.capture = captureOver(options, this.capture)
    } catch (error) {
      this.log.warnOnce('capture failed', `capture stays as it was: ${String(error)}`)
    }
    this.observe()
  }

  /** Takes the response, before anything is written to it. */
  answerWith(response: ServerResponse): void {
    this.response = response
    this.observe()
  }

  /** Takes a response whose headers are being written, and say that it comes in pieces. */
  stream(response: ServerResponse): void {
    if (this.isWrapped !== undefined) return
    this.response = response
    this.timing = createResponseTiming(response, true)
    this.isWrapped = observeWrites(response, this.wrote)
  }

  /** Shows a payload before it is encoded; returns it, or what is to be sent in its place. */
  sends(payload: unknown, header: (name: string) => unknown): unknown {
    const { response, capture } = this
    if (capture.responseBody === undefined || response === undefined) return payload
    const headers = bodyHeaders(header)
    const whole = typeof payload === 'string' || payload instanceof Uint8Array
    this.shown = whole || isTappable(payload, headers)
    this.body = createResponseBody(capture.maxBytes, this.shown ? () => headers : this.writtenHeaders)
    if (!this.shown) return payload
    this.timing = createResponseTiming(response, false)
    if (!whole) return tapStream(payload as Readable, this.take)
    this.take(payload)
    return payload
  }

  /** What was said, but for what the app has said itself. */
  said(startedAt: number, own: { readonly input?: unknown; readonly output?: unknown }): Said {
    const { request, response, capture } = this
    const query = this.values(() => capturedQuery(request, capture.query))
    const input =
      own.input === undefined
        ? this.bodyOf('requestBody', () => requestBody(request, capture.maxBytes))
        : undefined
    const output =
      own.output === undefined && mayHaveBody(request, response)
        ? this.bodyOf('responseBody', () => this.body?.value())
        : undefined
    const firstTokenAt = this.body?.firstTokenAt ?? this.timing?.firstTokenAt
    const measured = this.timing?.measured(startedAt, firstTokenAt) ?? {}
    const error = this.body?.error
    return {
      input,
      output,
      metadata: {
        path: input && pathOf(request),
        query,
        requestHeaders: this.values(() => capturedHeaders(request.headers, capture.requestHeaders)),
        responseHeaders: this.values(() =>
          response?.headersSent ? capturedHeaders(response.getHeaders(), capture.responseHeaders) : undefined,
        ),
        ...measured,
        streamError: error && redactText(error),
      },
      firstTokenAt:
        measured.timeToFirstTokenMs === undefined || firstTokenAt === undefined
          ? undefined
          : new Date(Date.now() - (performance.now() - firstTokenAt)),
    }
  }

  /** Called for each chunk on its way to the client; never throws, for the app's `write` is what calls it. */
  private readonly wrote = (chunk: string | Uint8Array, encoding?: BufferEncoding): void => {
    if (!this.shown) this.take(chunk, encoding)
  }

  private readonly take = (chunk: string | Uint8Array, encoding?: BufferEncoding): void => {
    try {
      this.timing?.wrote(chunk, this.isEventStream())
      this.body?.write(chunk, encoding)
    } catch (error) {
      this.body = undefined
      this.log.warnOnce('capture failed', `a response is not captured: ${String(error)}`)
    }
  }

  private observe(): void {
    const { response, capture } = this
    if (response === undefined || capture.responseBody === undefined || this.body !== undefined) return
    this.body = createResponseBody(capture.maxBytes, this.writtenHeaders)
    if (this.isWrapped !== undefined) return
    this.timing = createResponseTiming(response, false)
    this.isWrapped = observeWrites(response, this.wrote)
  }

  private readonly writtenHeaders = (): BodyHeaders => {
    const headers = bodyHeaders(name => this.response?.getHeader(name))
    // What another has wrapped around the response encodes below us.
    return this.isWrapped?.() ? { ...headers, encoding: '' } : headers
  }

  private isEventStream(): boolean {
    return /^text\/event-stream\b/i.test(String(this.response?.getHeader('content-type') ?? ''))
  }

  /** What a body says, as text; where the app's own part in it throws, or what is to be blanked cannot be found, nothing of it. */
  private bodyOf(option: 'requestBody' | 'responseBody', read: () => unknown): string | undefined {
    const { [option]: select, redact, maxBytes } = this.capture
    if (select === undefined) return undefined
    try {
      const body = read()
      if (body === undefined || body === null) return undefined
      if (body instanceof UnreadableText && redact !== undefined)
        return '[not captured: paths cannot be found in it]'
      const readable = body instanceof UnreadableText ? body.text : body
      const selected = select(redact === undefined ? readable : redact(readable))
      if (selected instanceof Promise) selected.catch(() => {})
      return typeof selected === 'string'
        ? shown(selected, maxBytes + MARKS_BYTES)
        : boundedJson(selected, maxBytes + MARKS_BYTES)
    } catch (error) {
      this.log.warnOnce(
        `capture.${option} threw`,
        `capture.${option} threw, the body is not captured: ${String(error)}`,
      )
      return `[not captured: capture.${option} threw]`
    }
  }

  private values(read: () => Record<string, unknown> | undefined): string | undefined {
    const values = read()
    return values && boundedJson(values, this.capture.maxBytes)
  }
}

/** Whether a response whose headers are being written comes in pieces, as far as they tell. */
export function isStreamed(request: RequestLike, response: ServerResponse): boolean {
  return !response.hasHeader('content-length') && mayHaveBody(request, response)
}

function mayHaveBody({ method }: RequestLike, response: ServerResponse | undefined): boolean {
  const status = response?.statusCode
  return method !== 'HEAD' && status !== 204 && status !== 304
}

function bodyHeaders(header: (name: string) => unknown): BodyHeaders {
  return {
    contentType: String(header('content-type') ?? ''),
    encoding: String(header('content-encoding') ?? ''),
  }
}

function isTappable(payload: unknown, { contentType, encoding }: BodyHeaders): boolean {
  if (!(payload instanceof Readable) || payload.readableObjectMode) return false
  return !payload.destroyed && encoding === '' && isTextType(contentType)
}
