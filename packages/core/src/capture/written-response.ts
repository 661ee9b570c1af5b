import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { types } from 'node:util'
import type { ReplyHeaders } from '../http/response-headers.ts'
import { ResponseTiming } from '../http/response-timing.ts'
import { type ChunkObserver, observeWrites, type ResponseWrites } from '../http/response-writes.ts'
import { type BodyHeaders, ResponseBody } from './response-body.ts'
import { tapStream } from './stream-tap.ts'
import { isTextType } from './text-body.ts'

/** Whose response is observed. */
export interface WrittenResponseOwner {
  /** How much is kept of the body; undefined where nothing is. Asked for at its first chunk. */
  readonly bodyBytes: number | undefined
  /** Takes what went wrong; nothing more of the body is kept then. */
  failed(error: unknown): void
}

// A class, with classes below it: one of each is made per request whose body is captured, and closures would be ten.
/** A response as it is written. */
export class WrittenResponse implements ChunkObserver {
  body: ResponseBody | undefined
  timing: ResponseTiming | undefined
  private readonly response: ServerResponse
  private readonly owner: WrittenResponseOwner
  private writes: ResponseWrites | undefined
  /** Those of a payload that was shown before anyone encoded it. */
  private shown: BodyHeaders | undefined
  private closed = false

  /** Observes nothing yet. */
  constructor(response: ServerResponse, owner: WrittenResponseOwner) {
    this.response = response
    this.owner = owner
  }

  get isEventStream(): boolean {
    return /^text\/event-stream\b/i.test(this.writtenHeaders().contentType)
  }

  /** Observes what is written from here on; `withinHead` where the headers are just being written. */
  observe(withinHead: boolean): void {
    if (this.writes !== undefined) return
    try {
      this.writes = observeWrites(this.response, this)
      this.timing = new ResponseTiming(this.response, withinHead)
    } catch (error) {
      // Another has made the response's methods his own for good.
      this.owner.failed(error)
    }
  }

  seen(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): void {
    if (this.shown === undefined) this.take(chunk, encoding)
  }

  /** Observes a payload before it is encoded; returns it, or what is to be sent in its place. */
  sends(payload: unknown, reply: ReplyHeaders): unknown {
    if (this.owner.bodyBytes === undefined) return payload
    // An error on the way may bring another payload, which is then the one that is sent.
    this.body = undefined
    this.timing = new ResponseTiming(this.response, false)
    const headers = headersOf(reply)
    if (typeof payload === 'string' || types.isUint8Array(payload)) {
      this.shown = headers
      this.take(payload)
      return payload
    }
    this.shown = isTappable(payload, headers) ? headers : undefined
    return this.shown === undefined ? payload : tapStream(payload as Readable, chunk => this.take(chunk))
  }

  /** Looks at no more of it. */
  close(): void {
    this.closed = true
  }

  // Never throws, for it is the app's `write` that calls it.
  private take(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    if (this.closed) return
    try {
      this.timing?.wrote(chunk, this)
      const { bodyBytes } = this.owner
      if (bodyBytes === undefined) return
      this.body ??= new ResponseBody(bodyBytes, this.shown ?? this.writtenHeaders())
      this.body.write(chunk, encoding)
    } catch (error) {
      this.closed = true
      this.body = undefined
      this.owner.failed(error)
    }
  }

  private writtenHeaders(): BodyHeaders {
    const headers = headersOf(this.response)
    // What others have wrapped around the response encodes below us.
    return this.writes?.isWrapped ? { ...headers, encoding: '' } : headers
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
