// Names are compared without case, separators, accents and look-alike letters: `X-Api_Key` is `xapikey`.
// Short names must be the last word of a name (`user_pin`, but not `shopping`), or all of it (`auth`, but not `requiresAuth`).
const LAST_WORDS = new Set([
  'token',
  'pin',
  'otp',
  'totp',
  'cvv',
  'cvv2',
  'cvc',
  'cvc2',
  'ssn',
  'iban',
  'jwt',
  'xsrf',
  'csrf',
  'psk',
])
const WHOLE_NAME = /^(?:auth|pass|mfa|sid|sig|signature|bearer)$/
const SUFFIX = /(?:token|secret|passw(?:or)?d|pwd|passcode|passphrase|otp|cvv|apikey)$/
const PART =
  /password|passwd|passphrase|passcode|secret(?!ar)|apikey|accesskey|privatekey|signingkey|encryptionkey|masterkey|accesstoken|refreshtoken|idtoken|authtoken|sessiontoken|securitytoken|bearertoken|csrftoken|xsrftoken|apitoken|authorization(?!s?url|endpoint|server)|credential|cookie|creditcard|cardnumber|sessionid|connectsid|socialsecurity|bankaccount|codeverifier|clientassertion(?!type)|otpcode|mfacode|verificationcode|securitycode|recoverycode|seedphrase|mnemonicphrase/
// What the tokens of language models and their limits are called.
const MODEL_TOKEN =
  /^max.*tokens?$|(?:eos|bos|pad|unk|sep|cls|mask|stop|start|end|first|last|special|per)token$/
const HEADER = /token|secret|key$|auth(?!or)|cookie|session|signature|credential|password|jwt|assertion/

/** True if a value under this key is taken for a credential: `api_key`, `userPassword`, `Set-Cookie`. */
export function isCredentialKey(key: string): boolean {
  if (key.length > LONGEST) return look(key.slice(-LONGEST))
  let known = looked.get(key)
  if (known !== undefined) return known
  known = look(key)
  if (looked.size === MOST) looked.clear()
  looked.set(key, known)
  return known
}

/** True if a value can hold a credential; `hasPassword: true` tells none. */
export function canBeCredential(value: unknown): boolean {
  return value !== null && value !== undefined && typeof value !== 'boolean'
}

/** True if a header of this name is taken to carry a credential; headers are judged more strictly than keys of a body. */
export function isCredentialHeader(name: string): boolean {
  return HEADER.test(joined(name)) || isCredentialKey(name)
}

/** The member that holds the value in `{ name: 'password', value: '…' }`; undefined unless it is such a pair. */
export function pairedMember(value: object): string | undefined {
  try {
    const member = 'value' in value ? 'value' : 'val' in value ? 'val' : undefined
    if (member === undefined) return undefined
    const pair = value as Record<string, unknown>
    const names = PAIR_NAMES.map(name => pair[name])
    return names.some(name => typeof name === 'string' && isCredentialKey(name)) ? member : undefined
  } catch {
    // A getter of the app's threw; it throws again when the member is written.
    return undefined
  }
}

/** The members that name the value of a pair. */
export const PAIR_NAMES: readonly string[] = [
  'name',
  'key',
  'field',
  'header',
  'param',
  'parameter',
  'variable',
  'id',
]

// An app's bodies have the same keys again and again; those that a client makes up are not kept for long.
const MOST = 1_000
const LONGEST = 64
const looked = new Map<string, boolean>()

function look(key: string): boolean {
  const plain = hasOnlyAscii(key) ? key : withoutLookalikes(key)
  const name = joined(plain)
  if (MODEL_TOKEN.test(name)) return false
  return SUFFIX.test(name) || PART.test(name) || WHOLE_NAME.test(name) || LAST_WORDS.has(lastWord(plain))
}

function joined(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

function lastWord(name: string): string {
  const words = name.match(/[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])/g)
  return words?.at(-1)?.toLowerCase() ?? ''
}

function hasOnlyAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

// Letters of other scripts that look like those of the alphabet (https://www.unicode.org/reports/tr39/#confusables).
const LOOKALIKES = new Map(
  Object.entries({
    ...{
      а: 'a',
      в: 'b',
      с: 'c',
      ԁ: 'd',
      е: 'e',
      ѕ: 's',
      і: 'i',
      ј: 'j',
      к: 'k',
      ӏ: 'l',
      м: 'm',
      н: 'h',
      о: 'o',
    },
    ...{ р: 'p', ԛ: 'q', г: 'r', т: 't', у: 'y', ѵ: 'v', ԝ: 'w', х: 'x', ո: 'n', ս: 'u', օ: 'o' },
    ...{
      α: 'a',
      β: 'b',
      ε: 'e',
      η: 'n',
      ι: 'i',
      κ: 'k',
      ν: 'v',
      ο: 'o',
      ρ: 'p',
      σ: 'o',
      τ: 't',
      υ: 'u',
      χ: 'x',
    },
    ...{
      ı: 'i',
      ɑ: 'a',
      ɡ: 'g',
      ɩ: 'i',
      ꜱ: 's',
      ᴡ: 'w',
      ᴏ: 'o',
      ᴋ: 'k',
      ᴇ: 'e',
      ɴ: 'n',
      ᴛ: 't',
      ᴘ: 'p',
      ᴀ: 'a',
    },
  }),
)

function withoutLookalikes(text: string): string {
  const plain = text.normalize('NFKD').replaceAll(/[\p{M}\p{Cf}]/gu, '')
  return plain.replaceAll(/[^\0-\x7f]/g, letter => {
    const lower = letter.toLowerCase()
    const lookalike = LOOKALIKES.get(lower)
    if (lookalike === undefined) return letter
    return lower === letter ? lookalike : lookalike.toUpperCase()
  })
}
