import type { IncomingMessage, ServerResponse } from 'node:http'

/** An HTTP answer. */
export interface Reply {
  statusCode: number
  contentType: string
  body: string | Uint8Array
  headers?: Record<string, string>
  /** Writes on after the head, instead of `body`. */
  stream?: (response: ServerResponse) => void
}

/** An answer in JSON. */
export function json(statusCode: number, value: unknown): Reply {
  return { statusCode, contentType: 'application/json', body: JSON.stringify(value) }
}

/** An answer in plain text. */
export function plain(body: string, statusCode = 200): Reply {
  return { statusCode, contentType: 'text/plain; charset=utf-8', body, headers: { vary: 'accept' } }
}

/** The type of a request's body, without parameters. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

/** Sends an answer; browsers must not guess another type for it, embed it elsewhere, nor keep it. */
export function send(
  response: ServerResponse,
  { statusCode, contentType, body, headers, stream }: Reply,
): void {
  response.writeHead(statusCode, {
    'content-type': contentType,
    ...(!stream && { 'content-length': Buffer.byteLength(body) }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    ...headers,
  })
  if (stream) stream(response)
  else response.end(body)
}
