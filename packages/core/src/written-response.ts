import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { ReplyHeaders } from './request-trace.ts'
import { type BodyHeaders, createResponseBody, type ResponseBody } from './response-body.ts'
import { createResponseTiming, type ResponseTiming } from './response-timing.ts'
import { observeWrites } from './response-writes.ts'
import { tapStream } from './stream-tap.ts'
import { isTextType } from './text-body.ts'

/** A response as it is written. */
export interface WrittenResponse {
  readonly body: ResponseBody | undefined
  readonly timing: ResponseTiming | undefined
  /** Observes what is written from here on; `withinHead` where the headers are just being written. */
  observe(withinHead: boolean): void
  /** Observes a payload before it is encoded; returns it, or what is to be sent in its place. */
  sends(payload: unknown, reply: ReplyHeaders): unknown
  /** Looks at no more of it. */
  close(): void
}

interface WrittenResponseOptions {
  readonly response: ServerResponse
  /** How much is kept of the body; undefined where nothing is. Asked for at its first chunk. */
  readonly maxBytes: () => number | undefined
  readonly failed: (error: unknown) => void
}

/** Observes nothing yet. */
export function createWrittenResponse({
  response,
  maxBytes,
  failed,
}: WrittenResponseOptions): WrittenResponse {
  let body: ResponseBody | undefined
  let timing: ResponseTiming | undefined
  let isWrapped: (() => boolean) | undefined
  /** Those of a payload that was shown before anyone encoded it. */
  let shown: BodyHeaders | undefined
  let closed = false

  function writtenHeaders(): BodyHeaders {
    const headers = headersOf(response)
    // What others have wrapped around the response encodes below us.
    return isWrapped?.() ? { ...headers, encoding: '' } : headers
  }

  function isEventStream(): boolean {
    return /^text\/event-stream\b/i.test(writtenHeaders().contentType)
  }

  // Never throws, for it is the app's `write` that calls it.
  function take(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    if (closed) return
    try {
      timing?.wrote(chunk, isEventStream)
      const bound = maxBytes()
      if (bound === undefined) return
      body ??= createResponseBody(bound, shown ?? writtenHeaders())
      body.write(chunk, encoding)
    } catch (error) {
      closed = true
      body = undefined
      failed(error)
    }
  }

  return {
    get body() {
      return body
    },
    get timing() {
      return timing
    },
    observe(withinHead) {
      if (isWrapped !== undefined) return
      try {
        isWrapped = observeWrites(response, (chunk, encoding) => {
          if (shown === undefined) take(chunk, encoding)
        })
        timing = createResponseTiming(response, withinHead)
      } catch (error) {
        // Another has made the response's methods his own for good.
        failed(error)
      }
    },
    sends(payload, reply) {
      if (maxBytes() === undefined) return payload
      // An error on the way may bring another payload, which is then the one that is sent.
      body = undefined
      timing = createResponseTiming(response, false)
      const headers = headersOf(reply)
      if (typeof payload === 'string' || payload instanceof Uint8Array) {
        shown = headers
        take(payload)
        return payload
      }
      shown = isTappable(payload, headers) ? headers : undefined
      return shown === undefined ? payload : tapStream(payload as Readable, take)
    },
    close() {
      closed = true
    },
  }
}

function headersOf(reply: ReplyHeaders): BodyHeaders {
  return {
    contentType: String(reply.getHeader('content-type') ?? ''),
    encoding: String(reply.getHeader('content-encoding') ?? ''),
  }
}

function isTappable(payload: unknown, { contentType, encoding }: BodyHeaders): boolean {
  return payload instanceof Readable && !payload.destroyed && encoding === '' && isTextType(contentType)
}
