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

/** A payload that an adapter has shown, and that is captured if it is encoded later. */
interface EarlyPayload {
  readonly headers: BodyHeaders
  /** The payload, until it is taken; undefined for a stream. */
  whole: string | Uint8Array | undefined
  /** The stream that is sent in place of the payload. */
  readonly tap: Readable | undefined
}

// A class, with classes below it: one of each is made per request whose body is captured, and closures would be ten.
/** A response as it is written. */
export class WrittenResponse implements ChunkObserver {
  body: ResponseBody | undefined
  timing: ResponseTiming | undefined
  private readonly response: ServerResponse
  private readonly owner: WrittenResponseOwner
  private writes: ResponseWrites | undefined
  /** A payload as it was before hooks and plugins of the app changed or encoded it. */
  private early: EarlyPayload | undefined
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
    const { early } = this
    if (early === undefined) return this.take(chunk, encoding)
    // Without an encoding the bytes can be read, and are what is sent whatever hooks have done to the payload.
    if (this.writtenHeaders().encoding === early.headers.encoding) {
      this.startAgain(undefined)
      this.take(chunk, encoding)
    } else if (early.whole !== undefined) {
      const { whole } = early
      early.whole = undefined
      this.take(whole)
    }
  }

  /**
   * Observes a payload before it is encoded; returns it, or the stream that is to be sent in its place. Of several payloads the last counts.
   * It is only captured if what is written is encoded.
   */
  sends(payload: unknown, reply: ReplyHeaders): unknown {
    if (this.owner.bodyBytes === undefined) return payload
    if (this.early?.tap !== undefined && this.early.tap === payload) return payload
    const headers = headersOf(reply)
    if (typeof payload === 'string' || types.isUint8Array(payload)) {
      this.startAgain({ headers, whole: payload, tap: undefined })
      return payload
    }
    if (!isTappable(payload, headers)) {
      this.startAgain(undefined)
      return payload
    }
    const tap = tapStream(payload as Readable, chunk => {
      if (this.early?.tap === tap) this.take(chunk)
    })
    this.startAgain({ headers, whole: undefined, tap })
    return tap
  }

  private startAgain(early: EarlyPayload | undefined): void {
    this.early = early
    this.body = undefined
    this.timing = new ResponseTiming(this.response, false)
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
      this.body ??= new ResponseBody(bodyBytes, this.early?.headers ?? this.writtenHeaders())
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
