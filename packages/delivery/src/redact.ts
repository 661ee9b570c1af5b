const KEYS = /\b(sk|pk)-lf-[\w-]+/g
const CREDENTIALS = /\b(Basic|Bearer)\s+[\w+/=.~-]+/gi
const USER_INFO = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@]+@/gi
const SHORTEST_SECRET = 6

/** Creates a function that blanks Langfuse keys, HTTP credentials, URL passwords and the given secrets in a text. */
export function createRedactor(secrets: Iterable<string> = []): (text: string) => string {
  const known = [...secrets]
    .filter(secret => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length)
  return text =>
    known
      .reduce((result, secret) => result.replaceAll(secret, '[redacted]'), text)
      .replace(KEYS, '$1-lf-[redacted]')
      .replace(CREDENTIALS, '$1 [redacted]')
      .replace(USER_INFO, '$1[redacted]@')
}

/** A URL as it may be shown: without user, password, query and fragment. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`
}
