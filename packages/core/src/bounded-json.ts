import { isCredentialKey, REDACTED, redactText } from './credentials.ts'
import { cutText } from './text-cut.ts'

const MAX_DEPTH = 64

interface Writing {
  /** How many bytes may still be written. */
  left: number
  readonly above: Set<object>
}

/**
 * JSON of any value, cut where it holds `maxBytes`, with credentials blanked. Never throws, changes nothing of the value, and looks at no
 * more of it than it writes.
 */
export function boundedJson(value: unknown, maxBytes: number): string | undefined {
  return write(value, { left: maxBytes, above: new Set() })
}

function write(value: unknown, writing: Writing): string | undefined {
  try {
    switch (typeof value) {
      case 'string':
        return writeText(value, writing)
      case 'object':
        return value === null ? spend('null', writing) : writeObject(value, writing)
      case 'bigint':
        return spend(`"${value}"`, writing)
      case 'number':
      case 'boolean':
        return spend(JSON.stringify(value), writing)
      default:
        return undefined
    }
  } catch (error) {
    return spend(`"[not readable: ${error instanceof Error ? error.name : 'thrown'}]"`, writing)
  }
}

/** Counts a text by its own bytes, not by those that JSON makes of them. */
function writeText(value: string, writing: Writing): string {
  const text = shown(value, writing.left)
  writing.left -= Buffer.byteLength(text) + 2
  return JSON.stringify(text)
}

/** A text as it is captured, within its bounds; redacted after it is cut, so that a huge text costs no more than a small one. */
export function shown(text: string, maxBytes: number): string {
  return redactText(cutText(text, Math.max(maxBytes, 0)))
}

function writeObject(value: object, writing: Writing): string | undefined {
  const { above } = writing
  const name = opaque(value)
  if (name !== undefined) return spend(JSON.stringify(name), writing)
  if (above.has(value)) return spend('"[circular]"', writing)
  if (above.size === MAX_DEPTH) return spend('"[too deep]"', writing)
  above.add(value)
  try {
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return write(toJSON.call(value, ''), writing)
    return Array.isArray(value) ? writeArray(value, writing) : writeMembers(value, writing)
  } finally {
    above.delete(value)
  }
}

function writeArray(items: readonly unknown[], writing: Writing): string {
  const written: string[] = []
  for (let index = 0; index < items.length; index += 1) {
    if (writing.left <= 0) {
      written.push(`"[cut: ${items.length - index} more]"`)
      break
    }
    written.push(write(items[index], writing) ?? 'null')
    writing.left -= 1
  }
  return `[${written.join(',')}]`
}

function writeMembers(value: object, writing: Writing): string {
  const written: string[] = []
  const keys = Object.keys(value)
  for (const [index, key] of keys.entries()) {
    if (writing.left <= 0) {
      written.push(`"[cut]":"${keys.length - index} more"`)
      break
    }
    const name = writeText(key, writing)
    const member = isCredentialKey(key) ? spend(`"${REDACTED}"`, writing) : writeMember(value, key, writing)
    if (member !== undefined) written.push(`${name}:${member}`)
    writing.left -= 2
  }
  return `{${written.join(',')}}`
}

/** A getter is the app's own, and may throw. */
function writeMember(value: object, key: string, writing: Writing): string | undefined {
  try {
    return write((value as Record<string, unknown>)[key], writing)
  } catch {
    return spend('"[not readable]"', writing)
  }
}

/** What is named instead of being looked into. */
function opaque(value: object): string | undefined {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[binary: ${value.byteLength} bytes]`
  if (value instanceof Blob) return `[binary: ${value.size} bytes]`
  return typeof (value as { pipe?: unknown }).pipe === 'function' ? '[stream]' : undefined
}

function spend(text: string, writing: Writing): string {
  writing.left -= Buffer.byteLength(text)
  return text
}
