// Every API's keys are longer.
const SHORTEST_SECRET = 8
const QUERY_KEYS = /[?&](?:key|api[-_]?key|access_token|token|sig|signature)=([^&#]+)/gi

/** The credentials of a request, so that no error message repeats them. */
export function secretsOf(headers: Iterable<readonly [string, string]>, path: string): string[] {
  const secrets: string[] = []
  for (const [name, value] of headers) {
    if (/authorization|key|token|secret|cookie/i.test(name)) secrets.push(value, value.replace(/^\S+\s+/, ''))
  }
  for (const [, value = ''] of path.matchAll(QUERY_KEYS)) secrets.push(value, safeDecode(value))
  return secrets.filter(secret => secret.length >= SHORTEST_SECRET)
}

/** The text without the secrets. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) clean = clean.replaceAll(secret, '[redacted]')
  return clean
}

function safeDecode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
