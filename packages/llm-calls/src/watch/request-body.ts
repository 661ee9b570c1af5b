import zlib from 'node:zlib'
import { closeJson } from '../wire/close-json.ts'
import { type JsonObject, parseObject } from '../wire/json.ts'
import { multipartFields } from '../wire/multipart-fields.ts'

/** Why a call could not be read, or not wholly. */
export type UnreadReason =
  /** The connection failed before the body was sent, or this HTTP client shows no bodies. */
  | 'no-request-body'
  | 'request-too-large'
  /** The request or response is compressed in a way that this Node.js cannot undo. */
  | 'unknown-encoding'
  | 'response-too-large'
  /** The response has the form of no known API. */
  | 'unknown-response'

/** A request's body, of which at most a bound is kept. */
export interface RequestBody {
  readonly isEmpty: boolean
  push(chunk: Uint8Array | string, encoding: BufferEncoding | undefined): void
  /** Parses what was kept, and lets go of it; undefined if it is neither a JSON object nor a form. */
  read(
    contentType: string,
    encoding: string,
  ): { body: JsonObject | undefined; unread: UnreadReason | undefined }
}

const TAIL_BYTES = 8 * 1024
const MODEL = /"model"\s*:\s*"([^"\\]{1,200})"/

/** Creates an empty body. */
export function createRequestBody(maxBytes: number): RequestBody {
  let chunks: Buffer[] = []
  let bytes = 0
  // The last part of a body that is too large: clients put the file before the model.
  let tail: Buffer = Buffer.alloc(0)

  function push(chunk: Uint8Array | string, encoding: BufferEncoding | undefined): void {
    // A copy: its memory is the app's.
    const copy = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk)
    const room = Math.max(maxBytes - bytes, 0)
    bytes += copy.length
    if (room > 0) chunks.push(copy.subarray(0, room))
    if (copy.length > room) tail = Buffer.concat([tail, copy.subarray(room)]).subarray(-TAIL_BYTES)
  }

  return {
    get isEmpty() {
      return bytes === 0
    },
    push,
    read(contentType, encoding) {
      const [first] = chunks
      const kept = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
      chunks = []
      const unread = bytes > maxBytes ? ('request-too-large' as const) : undefined
      if (/^multipart\/form-data/i.test(contentType)) {
        return { body: multipartFields(Buffer.concat([kept, tail])), unread: undefined }
      }
      const json = decoded(kept, encoding, maxBytes)
      if (json === undefined) return { body: undefined, unread: 'unknown-encoding' }
      if (unread === undefined) return { body: parseObject(json), unread }
      const [, model] = MODEL.exec(tail.toString('utf8')) ?? []
      const body = parseObject(closeJson(json))
      return { body: body && model !== undefined ? { model, ...body } : body, unread }
    },
  }
}

function decoded(body: Buffer, encoding: string, maxOutputLength: number): string | undefined {
  try {
    switch (encoding.toLowerCase()) {
      case '':
      case 'identity':
        return body.toString('utf8')
      case 'gzip':
        return zlib.gunzipSync(body, { maxOutputLength }).toString('utf8')
      case 'br':
        return zlib.brotliDecompressSync(body, { maxOutputLength }).toString('utf8')
      case 'deflate':
        return zlib.inflateSync(body, { maxOutputLength }).toString('utf8')
    }
  } catch {
    // Not what its header says, or too large.
  }
  return undefined
}
