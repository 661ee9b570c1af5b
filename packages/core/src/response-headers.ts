import type { ServerResponse } from 'node:http'

/** Names the request and its trace in the response, unless the app has already, or the headers are gone. */
export function nameInResponse(
  response: ServerResponse,
  headers: readonly (readonly [string | undefined, string])[],
): void {
  if (response.headersSent) return
  for (const [name, value] of headers) {
    if (name !== undefined && !response.hasHeader(name)) response.setHeader(name, value)
  }
}

/** Lets a page of another origin read `names`, where the app lets it read the response at all. */
export function exposeHeaders(response: ServerResponse, names: readonly (string | undefined)[]): void {
  if (!response.hasHeader('access-control-allow-origin')) return
  const own = response.getHeader('access-control-expose-headers')
  const listed =
    own === undefined
      ? []
      : [own]
          .flat()
          .join(',')
          .split(',')
          .map(name => name.trim())
  if (listed.includes('*')) return
  const known = new Set(listed.map(name => name.toLowerCase()))
  const missing = names.filter(name => name !== undefined && !known.has(name.toLowerCase()))
  if (missing.length > 0)
    response.setHeader('access-control-expose-headers', [...listed, ...missing].join(', '))
}
