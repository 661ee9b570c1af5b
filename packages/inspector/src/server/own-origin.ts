import type { IncomingMessage } from 'node:http'

/**
 * Whether a request comes from the inspector's own page, or from no page at all: exporters send no Origin, browsers do
 * for everything that could change something here.
 */
export function isOwnOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers
  if (headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate') return false
  if (origin === undefined) return true
  try {
    const { protocol, host: name } = new URL(origin)
    return (protocol === 'http:' || protocol === 'https:') && name === host?.toLowerCase().replace(/:80$/, '')
  } catch {
    return false
  }
}
