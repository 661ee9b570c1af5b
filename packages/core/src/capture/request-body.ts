import { types } from 'node:util'
import type { RequestLike } from '../http/request-like.ts'
import { multipartBody, type ParsedRequest } from './multipart-body.ts'
import { firstBytes } from './text/text-cut.ts'
import { isTextType, readText } from './text-body.ts'

/** The body that the framework parsed, of which a text is read up to `maxBytes`; undefined where there is none. */
export function requestBody(request: RequestLike, maxBytes: number): unknown {
  const parsed = request as ParsedRequest
  const type = request.headers['content-type'] ?? ''
  if (/^multipart\//i.test(type)) return multipartBody(parsed)
  const { body } = parsed
  if (typeof body === 'string') {
    const kept = firstBytes(body, maxBytes)
    return readText(kept, type, kept === body ? 0 : Buffer.byteLength(body) - Buffer.byteLength(kept))
  }
  if (types.isUint8Array(body) && type !== '' && isTextType(type)) {
    const text = new TextDecoder().decode(body.subarray(0, maxBytes))
    return readText(text, type, Math.max(body.byteLength - maxBytes, 0))
  }
  return isEmpty(body) ? undefined : body
}

/** Express 4 gives a request without a body, and one that it cannot read, an empty one. */
function isEmpty(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0
}
