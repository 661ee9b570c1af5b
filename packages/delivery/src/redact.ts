const KEYS = /\b(sk|pk)-lf-[\w-]+/g
const CREDENTIALS = /\b(Basic|Bearer)\s+[\w+/=.~-]+/gi
const USER_INFO = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@]+@/gi
const SHORTEST_SECRET = 6

/** Creates a function that blanks Langfuse keys, HTTP credentials, URL passwords and the given secrets in a text. */
export function createRedactor(secrets: Iterable<string> = []): (text: string) => string {
  const known = [...secrets]
    .filter(secret => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length)
  return text => {
    const result = known
      .reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
      .replace(KEYS, '$1-lf-[redacted]')
      .replace(CREDENTIALS, '$1 [redacted]')
    // The expression is tried at every word, which takes a hundred times as long as to see that there is no URL.
    return result.includes('://') ? result.replace(USER_INFO, '$1[redacted]@') : result
  }
}

/** A URL as it may be shown: without user, password, query and fragment. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`
}
