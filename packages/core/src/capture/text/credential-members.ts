import { REDACTED } from './credential-formats.ts'
import { isCredentialKey, PAIR_NAMES } from './credential-names.ts'

const LONGEST_KEY = 64
const SEPARATOR = /[:=]/g
const KEY_CHARACTER = /[\p{L}\p{N}\p{M}\p{Cf}]/u
/** What of ASCII a key may have, by code: 1 with and without quotes, 2 within quotes alone. */
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  return /[\w.$-]/.test(character) ? 1 : /[ /\\:@]/.test(character) ? 2 : 0
})
/** Names of types and the like, which source code has in place of a value. */
const NO_VALUE =
  /^(?:null|nil|none|true|false|undefined|string|str|number|int|integer|bool|boolean|bytes|object|array|any|unknown|never|required|optional)$/i
/** Schemes that `Authorization` names before the credentials. */
const SCHEME =
  /^(?:basic|bearer|digest|negotiate|ntlm|hoba|mutual|oauth|hawk|vapid|dpop|gnap|token|apikey|sharedkey|signature|aws4-hmac-sha256|scram-sha-\d+)(?= +\S)/i
const BLOCK_SCALAR = /[|>][+-]?\d?[ \t]*\n/y

interface Key {
  readonly name: string
  readonly start: number
  /** The quote around it, with the backslashes of JSON within JSON; `''` for none. */
  readonly quote: string
}

interface Value {
  readonly start: number
  readonly end: number
}

/**
 * Replaces the values of credential-like keys in a text that is not JSON as a whole: members of JSON at any depth of escaping, of objects of
 * JavaScript and Python, of YAML, headers, forms and `.env` files. Looks at each part of the text a fixed number of times.
 */
export function redactMembers(text: string): string {
  let result = ''
  let done = 0
  // Of `{ "name": "password", "value": "…" }`, the value is what comes next under that key.
  let namedUntil = -1
  SEPARATOR.lastIndex = 0
  for (let match = SEPARATOR.exec(text); match !== null; match = SEPARATOR.exec(text)) {
    const key = keyBefore(text, match.index, done)
    if (key === undefined) continue
    const isNamed = match.index < namedUntil && /^val(?:ue)?$/i.test(key.name)
    if (!isNamed && !isCredentialKey(key.name)) {
      if (PAIR_NAMES.includes(key.name.toLowerCase())) {
        namedUntil = namesCredential(text, match.index, key) ? match.index + 512 : -1
      }
      continue
    }
    const value = valueAfter(text, match.index, key, isNamed)
    if (value === undefined) continue
    namedUntil = -1
    result += text.slice(done, value.start) + shownValue(text, key, value)
    done = value.end
    SEPARATOR.lastIndex = done
  }
  return done === 0 ? text : result + text.slice(done)
}

/** The key in front of the separator at `at`; undefined if there is none after `from`. */
function keyBefore(text: string, at: number, from: number): Key | undefined {
  let end = at
  while (end > from && at - end < 3 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1
  const last = text[end - 1]
  if (last !== '"' && last !== "'" && last !== ']') {
    let start = end
    while (start > from && end - start < LONGEST_KEY && isOfKey(text, start - 1, false)) start -= 1
    return start === end ? undefined : { name: text.slice(start, end), start, quote: '' }
  }
  // `config["password"] = …` of source code.
  if (last === ']') end -= 1
  const mark = text[end - 1]
  if (mark !== '"' && mark !== "'") return undefined
  const quote = escapesBefore(text, end - 1, from) + mark
  const keyEnd = end - quote.length
  let start = keyEnd
  while (start > from && keyEnd - start < LONGEST_KEY && isOfKey(text, start - 1, true)) start -= 1
  if (text[start - 1] !== mark || start === keyEnd) return undefined
  const name = text.slice(start, keyEnd)
  return { name: name.includes('\\') ? unescaped(name) : name, start: start - quote.length, quote }
}

function isOfKey(text: string, at: number, isQuoted: boolean): boolean {
  const code = text.charCodeAt(at)
  if (code >= 128) return KEY_CHARACTER.test(text[at] as string)
  return ASCII[code] === 1 || (isQuoted && ASCII[code] === 2)
}

function escapesBefore(text: string, at: number, from: number): string {
  let start = at
  while (start > from && at - start < LONGEST_KEY && text[start - 1] === '\\') start -= 1
  return text.slice(start, at)
}

/** A key with the characters that JSON may write as `\u0070`. */
function unescaped(key: string): string {
  return key.replaceAll(/\\+u([0-9a-f]{4})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}

/** True if the text value at `at` is itself the name of a credential. */
function namesCredential(text: string, at: number, key: Key): boolean {
  const start = skipSpace(text, at + 1)
  if (key.quote === '')
    return isCredentialKey(text.slice(start, start + LONGEST_KEY).split(/[\s"',]/, 1)[0] as string)
  if (!text.startsWith(key.quote, start)) return false
  const end = text.indexOf(key.quote, start + key.quote.length)
  return (
    end !== -1 && end - start <= LONGEST_KEY + 8 && isCredentialKey(text.slice(start + key.quote.length, end))
  )
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at += 1
  return at
}

/** The value after the separator at `at`; undefined if it is a comparison, or nothing that would be a value. */
function valueAfter(text: string, at: number, key: Key, isNamed: boolean): Value | undefined {
  const next = text[at + 1]
  if (next === '=' || text[at - 1] === '=') return undefined
  let start = next === '>' ? at + 2 : at + 1
  // Only a quoted key may have its value on the next line; under a bare one that would be the next key of YAML.
  if (key.quote !== '') start = skipSpace(text, start)
  else while (text[start] === ' ' || text[start] === '\t') start += 1
  if (start >= text.length) return undefined
  const opening = /\\{0,64}["'`]/y
  opening.lastIndex = start
  const quote = opening.exec(text)?.[0]
  if (quote !== undefined)
    return { start: start + quote.length, end: endOfQuoted(text, start + quote.length, quote) }
  if (text[start] === '{' || text[start] === '[') return { start, end: endOfBrackets(text, start) }
  const end = endOfBare(text, start, at, key, isNamed)
  return end === start || NO_VALUE.test(text.slice(start, Math.min(end, start + 16)))
    ? undefined
    : { start, end }
}

/**
 * The end of the text that `quote` began, or of everything if it was cut. JSON within JSON puts one backslash in front of a quote, one level
 * further down three, then seven; any other number belongs to the text itself.
 */
function endOfQuoted(text: string, start: number, quote: string): number {
  const mark = quote.at(-1) as string
  const level = quote.length - 1
  for (let end = text.indexOf(mark, start); end !== -1; end = text.indexOf(mark, end + 1)) {
    const escapes = escapesBefore(text, end, start).length
    if (escapes < level) return end - escapes
    if (escapes % (2 * (level + 1)) === level) return end - level
  }
  return text.length
}

function endOfBrackets(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const character = text[at]
    if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

function endOfBare(text: string, start: number, at: number, key: Key, isNamed: boolean): number {
  if (key.quote !== '') return endAt(text, start, /[\s,}\]]/g)
  const name = key.name.toLowerCase()
  const before = text[key.start - 1]
  const isQuoted = before === '"' || before === "'" || before === '`'
  if (text[at] === ':' && (name.endsWith('authorization') || name.endsWith('cookie'))) {
    return isQuoted ? endOfQuoted(text, start, before) : endAt(text, start, LINE_END)
  }
  BLOCK_SCALAR.lastIndex = start
  if (text[at] === ':' && BLOCK_SCALAR.test(text)) return endOfBlock(text, key.start, BLOCK_SCALAR.lastIndex)
  const word = endAt(text, start, text[at] === '=' ? /[\s&;,"'`<>)}\]]/g : /[\s,;"'`<>)}\]]/g)
  // A password of YAML may be a phrase; of prose, no more is taken than the next word.
  const mayBePhrase =
    text[at] === ':' && !isQuoted && startsLine(text, key.start) && (isNamed || /pass|secret/.test(name))
  return mayBePhrase ? endAt(text, start, LINE_END) : word
}

// Also as the text has it within JSON.
const LINE_END = /[\r\n]|\\[rn]/g

function endAt(text: string, start: number, end: RegExp): number {
  end.lastIndex = start
  return end.exec(text)?.index ?? text.length
}

function startsLine(text: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && at - before < LONGEST_KEY && (text[before] === ' ' || text[before] === '-'))
    before -= 1
  return before < 0 || text[before] === '\n' || text[before] === '\t'
}

/** The end of the lines that are indented more than the key. */
function endOfBlock(text: string, key: number, from: number): number {
  const line = text.lastIndexOf('\n', key) + 1
  const indent = /[ \t]*/y
  indent.lastIndex = line
  const own = indent.exec(text)?.[0].length ?? 0
  let at = from
  while (at < text.length) {
    indent.lastIndex = at
    const depth = indent.exec(text)?.[0].length ?? 0
    const end = text.indexOf('\n', at)
    if (depth <= own && text[at] !== '\n') break
    at = end === -1 ? text.length : end + 1
  }
  return at === text.length ? at : at - 1
}

function shownValue(text: string, key: Key, { start, end }: Value): string {
  const scheme =
    key.name.toLowerCase().endsWith('authorization') &&
    SCHEME.exec(text.slice(start, Math.min(end, start + 64)))
  if (scheme) return `${scheme[0]} ${REDACTED}`
  // Of JSON, what stands there remains JSON.
  const isBare = start > 0 && !/["'`]/.test(text[start - 1] as string)
  return key.quote !== '' && isBare ? `${key.quote}${REDACTED}${key.quote}` : REDACTED
}
