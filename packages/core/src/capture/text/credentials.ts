/** What stands in place of a value that must not leave. */
export const REDACTED = '[redacted]'

// Written as `normalised` makes them. Whole words first: `token` must not take `max_tokens` along.
const NAMES = 'token|auth|pwd|pass|pin|otp|cvv|cvc|ssn|iban|jwt|sid|sig|signature|xsrf|csrf|connectsid'
const PARTS =
  'password|passwd|passphrase|secret|apikey|accesskey|privatekey|signingkey|encryptionkey|accesstoken|refreshtoken|idtoken|authtoken|sessiontoken|securitytoken|bearertoken|csrftoken|xsrftoken|apitoken|authorization|credential|cookie|creditcard|cardnumber|sessionid|socialsecurity|bankaccount'
const KEY = new RegExp(`^(?:${NAMES})$|${PARTS}`)
const HEADER = /token|secret|key$|auth(?!or)|cookie|session|signature|credential|password|jwt|assertion/

/** Whether a value under this key is taken for a credential: `api_key`, `userPassword`, `Set-Cookie`. */
export function isCredentialKey(key: string): boolean {
  return KEY.test(normalised(key))
}

/** Whether a header of this name is taken to carry one; headers are judged more strictly than keys of a body. */
export function isCredentialHeader(name: string): boolean {
  return HEADER.test(normalised(name))
}

function normalised(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

let redactCredentials: ((text: string) => string) | undefined

// Of JSON within a text, such as the arguments of a tool call; escaped where that is within JSON again.
const MEMBER =
  /(\\{0,8}")([\w.-]{1,64})\1(\s*:\s*)(\1[\s\S]*?(?:(?<!\\)\1|$)|\{[^{}]*\}?|\[[^[\]]*\]?|[\w.+-]+)/g

/** A text with HTTP credentials, URL passwords, Langfuse keys and credential-like members of JSON blanked. */
export function redactText(text: string): string {
  if (redactCredentials === undefined) {
    const delivery: typeof import('@langfuse-middleware/delivery') = require('@langfuse-middleware/delivery')
    redactCredentials = delivery.createRedactor()
  }
  const redacted = redactCredentials(text)
  if (!redacted.includes('"')) return redacted
  return redacted.replace(MEMBER, (member: string, quote: string, key: string, colon: string) =>
    isCredentialKey(key) ? `${quote}${key}${quote}${colon}${quote}${REDACTED}${quote}` : member,
  )
}
