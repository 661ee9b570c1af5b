import type { ServerResponse } from 'node:http'
import type { Log } from '../basics/logger.ts'
import { pathOf, type RequestLike } from '../http/request-like.ts'
import type { ResponseHead } from '../http/response-head.ts'
import type { ReplyHeaders } from '../http/response-headers.ts'
import { type Capture, type CaptureOptions, captureOver, NO_CAPTURE } from './capture-options.ts'
import { capturedHeaders, capturedQuery } from './captured-values.ts'
import type { ShownOfErrors } from './error-text.ts'
import { requestBody } from './request-body.ts'
import { boundedJson } from './text/bounded-json.ts'
import { redactText } from './text/credentials.ts'
import { shown } from './text/shown-text.ts'
import { UnreadableText } from './text-body.ts'
import { WrittenResponse, type WrittenResponseOwner } from './written-response.ts'

/** What a request and its response said, as the root observation shows it; undefined is what was not captured. */
export interface Said {
  readonly input: string | undefined
  readonly output: string | undefined
  readonly metadata: Record<string, unknown>
  readonly firstTokenAt: Date | undefined
}

// For the marks of what was cut, and the message around an answer that fills its bound.
const MARKS_BYTES = 256

/** What is captured of one request and its response, and when the response was written. */
export class Exchange implements WrittenResponseOwner {
  private readonly request: RequestLike
  private readonly url: string
  private readonly log: Log
  private options: Capture = NO_CAPTURE
  private response: ServerResponse | undefined
  private written: WrittenResponse | undefined

  /** Captures nothing yet. */
  constructor(request: RequestLike, url: string, log: Log) {
    this.request = request
    this.url = url
    this.log = log
  }

  /** What errors may show, by the options in force. */
  get shownOfErrors(): ShownOfErrors {
    const { errorMessages, requestBody } = this.options
    return { messages: errorMessages, requestBody: requestBody !== undefined }
  }

  get bodyBytes(): number | undefined {
    return this.options.responseBody === undefined ? undefined : this.options.maxBytes
  }

  failed(error: unknown): void {
    this.log.warnOnce('capture failed', `a response is not captured: ${String(error)}`)
  }

  /** Captures more, or less, than so far; what is wrong with `options` is warned of. */
  capture(options: CaptureOptions): void {
    try {
      this.options = captureOver(options, this.options)
    } catch (error) {
      this.log.warnOnce('capture failed', `capture stays as it was: ${String(error)}`)
    }
    if (this.response !== undefined) this.answerWith(this.response)
  }

  /** Takes the response, before anything is written to it. */
  answerWith(response: ServerResponse): void {
    this.response = response
    this.written ??= new WrittenResponse(response, this)
    if (this.options.responseBody !== undefined) this.written.observe(false)
  }

  /** Takes the response while its headers are written, which say that it comes in pieces. */
  stream(response: ServerResponse): void {
    this.answerWith(response)
    this.written?.observe(true)
  }

  /** Takes a payload before it is encoded; returns it, or what is to be sent in its place. */
  sends(payload: unknown, reply: ReplyHeaders): unknown {
    return this.written === undefined ? payload : this.written.sends(payload, reply)
  }

  /** What was said, but for what the app has said itself; `startedAt` is by `performance.now()`. */
  said(startedAt: number, own: { readonly input?: unknown; readonly output?: unknown } | undefined): Said {
    const { request, response, written, options } = this
    written?.close()
    const { body, timing } = written ?? {}
    const input =
      own?.input === undefined
        ? this.bodyOf('requestBody', () => requestBody(request, options.maxBytes))
        : undefined
    const { firstTokenAt } = body ?? timing ?? {}
    const measured = timing?.measured(startedAt, firstTokenAt) ?? {}
    return {
      input,
      output:
        own?.output === undefined && body !== undefined && hasBody(request, response?.statusCode)
          ? this.bodyOf('responseBody', () => body.value())
          : undefined,
      metadata: {
        // Of an input that is a body, as the input otherwise says.
        path: input === undefined ? undefined : pathOf(this.url),
        query: this.shownValues(capturedQuery(request, options.query)),
        requestHeaders: this.shownValues(capturedHeaders(request.headers, options.requestHeaders)),
        responseHeaders: this.shownValues(
          capturedHeaders(response?.headersSent ? response.getHeaders() : {}, options.responseHeaders),
        ),
        ...measured,
        streamError: body?.error && redactText(body.error),
      },
      firstTokenAt:
        measured.timeToFirstTokenMs === undefined || firstTokenAt === undefined
          ? undefined
          : new Date(Date.now() - (performance.now() - firstTokenAt)),
    }
  }

  /** What a body says, as text; nothing of it where the app's part in that throws, or what is to be blanked cannot be found. */
  private bodyOf(option: 'requestBody' | 'responseBody', read: () => unknown): string | undefined {
    const { [option]: select, redact, maxBytes } = this.options
    if (select === undefined) return undefined
    try {
      const body = read()
      if (body === undefined || body === null) return undefined
      if (body instanceof UnreadableText && redact !== undefined) {
        return '[not captured: paths cannot be found in it]'
      }
      const readable = body instanceof UnreadableText ? body.text : body
      const selected = select(redact === undefined ? readable : redact(readable))
      if (typeof (selected as PromiseLike<unknown> | undefined)?.then === 'function') {
        void Promise.resolve(selected).catch(() => {})
        throw new TypeError('it takes no promise')
      }
      const bound = maxBytes + MARKS_BYTES
      return typeof selected === 'string' ? shown(selected, bound) : boundedJson(selected, bound)
    } catch (error) {
      this.log.warnOnce(
        `capture.${option} failed`,
        `capture.${option} failed, the body is hidden: ${String(error)}`,
      )
      return `[not captured: capture.${option} failed]`
    }
  }

  private shownValues(values: Record<string, unknown> | undefined): string | undefined {
    return values && boundedJson(values, this.options.maxBytes)
  }
}

/** Whether a response whose head is about to be written comes in pieces, as far as that tells. */
export function isStreamed(request: RequestLike, head: ResponseHead): boolean {
  return head.get('content-length') === undefined && hasBody(request, head.statusCode)
}

function hasBody({ method }: RequestLike, statusCode: number | undefined): boolean {
  return method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
}
