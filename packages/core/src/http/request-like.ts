import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

/** What the core reads of a request; Node's, Express's and Fastify's requests all fit. */
export interface RequestLike {
  method?: string | undefined
  url?: string | undefined
  /** The URL as it came in, where a router has since stripped `url`. */
  originalUrl?: string | undefined
  headers: IncomingHttpHeaders
  socket?: Socket | undefined
}

/** The URL of a request as it came in. */
export function urlOf({ originalUrl, url }: RequestLike): string {
  return originalUrl ?? url ?? '/'
}

/** The path of a URL, without its query string; `/` for one that has none. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return (end === -1 ? url : url.slice(0, end)) || '/'
}

const MAX_QUERY_KEYS = 50

/** The distinct keys of a URL's query string, at most 50 of at most 100 characters, never their values. */
export function queryKeysOf(url: string): string[] {
  const start = url.indexOf('?')
  if (start === -1) return []
  const keys = new Set<string>()
  for (const key of new URLSearchParams(url.slice(start + 1, start + 8_192)).keys()) {
    keys.add(key.slice(0, 100))
    if (keys.size === MAX_QUERY_KEYS) break
  }
  return [...keys]
}
