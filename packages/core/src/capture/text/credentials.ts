import { REDACTED, redactFormats } from './credential-formats.ts'
import { redactMembers } from './credential-members.ts'
import { canBeCredential, isCredentialKey, pairedMember } from './credential-names.ts'

const SHORTEST = 6
const JSON_TEXT = /^\s*[[{]/
const MAX_DEPTH = 64

/**
 * A text without credentials: known formats of keys, and the values of credential-like names, in JSON, YAML, headers, forms and prose. JSON is
 * taken apart, also within JSON, and written again only if something of it is redacted.
 */
export function redactText(text: string): string {
  if (text.length < SHORTEST) return text
  if (!JSON_TEXT.test(text)) return redactPlain(text)
  try {
    const value: unknown = JSON.parse(text)
    const redacted = redactedValue(value, 0)
    if (redacted === value) return text
    return JSON.stringify(redacted, null, /^\s*[[{]\r?\n(\s+)/.exec(text)?.[1])
  } catch {
    // Not JSON, or only a part of some, or nested too deep.
    return redactPlain(text)
  }
}

/** `value` without credentials, as `redactText` would leave its JSON; itself if there are none. */
export function redactValue(value: unknown): unknown {
  try {
    return redactedValue(value, 0)
  } catch {
    // Nested too deep.
    return redactText(JSON.stringify(value))
  }
}

function redactPlain(text: string): string {
  return redactMembers(redactFormats(text))
}

/** `value` itself if nothing of it is redacted. */
function redactedValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) throw new RangeError('nested too deep')
  return Array.isArray(value) ? redactedList(value, depth) : redactedMembers(value, depth)
}

function redactedList(items: unknown[], depth: number): unknown[] {
  let changed: unknown[] | undefined
  for (const [index, item] of items.entries()) {
    const redacted = isCredentialPair(item) ? [item[0], REDACTED] : redactedValue(item, depth + 1)
    if (redacted === item) continue
    changed ??= [...items]
    changed[index] = redacted
  }
  return changed ?? items
}

function redactedMembers(value: object, depth: number): object {
  let changed: Record<string, unknown> | undefined
  const paired = pairedMember(value)
  for (const [key, member] of Object.entries(value)) {
    const isCredential = (key === paired || isCredentialKey(key)) && canBeCredential(member)
    const redacted = isCredential ? REDACTED : redactedValue(member, depth + 1)
    if (redacted === member) continue
    // Defined, because a key `__proto__` would be set elsewhere.
    changed ??= Object.defineProperties({}, Object.getOwnPropertyDescriptors(value)) as Record<
      string,
      unknown
    >
    Object.defineProperty(changed, key, {
      value: redacted,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return changed ?? value
}

/** True for an entry of headers or of a form, `['password', '…']`. */
export function isCredentialPair(item: unknown): item is [string, unknown] {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && isCredentialKey(item[0])
}
