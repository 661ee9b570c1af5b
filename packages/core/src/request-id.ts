import type { ServerResponse } from 'node:http'

/** Names the request in its response, unless the app has already, or the headers are gone. */
export function echoRequestId(response: ServerResponse, header: string | undefined, requestId: string): void {
  if (header === undefined || response.headersSent || response.hasHeader(header)) return
  response.setHeader(header, requestId)
}
