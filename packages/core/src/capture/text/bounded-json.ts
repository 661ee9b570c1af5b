import { types } from 'node:util'
import { capturedKey } from './captured-keys.ts'
import { REDACTED } from './credential-formats.ts'
import { canBeCredential, pairedMember } from './credential-names.ts'
import { isCredentialPair } from './credentials.ts'
import { shown } from './shown-text.ts'

const MAX_DEPTH = 64

interface Writing {
  /** How many bytes may still be written. */
  left: number
  readonly above: Set<object>
  /** What is written, joined once: put together at every depth a long text is copied as often. */
  readonly parts: string[]
}

/**
 * JSON of any value, cut at `maxBytes`, with credentials redacted. Never throws, changes nothing of the value, and reads no more of it than
 * it writes.
 */
export function boundedJson(value: unknown, maxBytes: number): string | undefined {
  const writing: Writing = { left: maxBytes, above: new Set(), parts: [] }
  return write(value, writing) ? writing.parts.join('') : undefined
}

/** Whether JSON has anything to say of it. */
function write(value: unknown, writing: Writing): boolean {
  const start = writing.parts.length
  try {
    switch (typeof value) {
      case 'string':
        return writeText(value, writing)
      case 'object':
        return value === null ? spend('null', writing) : writeObject(value, writing)
      case 'bigint':
        return spend(`"${value}"`, writing)
      case 'number':
        return spend(Number.isFinite(value) ? String(value) : 'null', writing)
      case 'boolean':
        return spend(String(value), writing)
      default:
        return false
    }
  } catch (error) {
    writing.parts.length = start
    return spend(`"[not readable: ${types.isNativeError(error) ? error.name : 'thrown'}]"`, writing)
  }
}

/** Counts a text by its own bytes, not by those that JSON makes of them. */
function writeText(value: string, writing: Writing): true {
  const text = shown(value, writing.left)
  writing.left -= Buffer.byteLength(text) + 2
  writing.parts.push(JSON.stringify(text))
  return true
}

function writeObject(value: object, writing: Writing): boolean {
  const { above } = writing
  const name = opaque(value)
  if (name !== undefined) return spend(JSON.stringify(name), writing)
  if (above.has(value)) return spend('"[circular]"', writing)
  if (above.size === MAX_DEPTH) return spend('"[too deep]"', writing)
  above.add(value)
  try {
    const { toJSON } = value as { toJSON?: unknown }
    const json = typeof toJSON === 'function' ? toJSON.call(value, '') : value
    if (json !== value) return write(json, writing)
    return Array.isArray(value) ? writeArray(value, writing) : writeMembers(value, writing)
  } finally {
    above.delete(value)
  }
}

function writeArray(items: readonly unknown[], writing: Writing): true {
  const { parts } = writing
  parts.push('[')
  for (let index = 0; index < items.length; index += 1) {
    if (index > 0) parts.push(',')
    if (writing.left <= 0) {
      parts.push(`"[cut: ${items.length - index} more]"`)
      break
    }
    const item = items[index]
    if (!write(isCredentialPair(item) ? [item[0], REDACTED] : item, writing)) parts.push('null')
    writing.left -= 1
  }
  parts.push(']')
  return true
}

function writeMembers(value: object, writing: Writing): true {
  const { parts } = writing
  const start = parts.push('{')
  const keys = Object.keys(value)
  const paired = pairedMember(value)
  for (const [index, key] of keys.entries()) {
    const end = parts.length
    if (end > start) parts.push(',')
    if (writing.left <= 0) {
      parts.push(`"[cut]":"${keys.length - index} more"`)
      break
    }
    const { json, bytes, isCredential } = capturedKey(key, writing.left)
    parts.push(json, ':')
    writing.left -= bytes + 2
    const hasValue = writeMember(value, key, isCredential || key === paired, writing)
    if (!hasValue) parts.length = end
    writing.left -= 2
  }
  parts.push('}')
  return true
}

/** A getter is the app's own, and may throw. */
function writeMember(value: object, key: string, isCredential: boolean, writing: Writing): boolean {
  try {
    const member = (value as Record<string, unknown>)[key]
    return isCredential && canBeCredential(member) ? spend(`"${REDACTED}"`, writing) : write(member, writing)
  } catch {
    return spend('"[not readable]"', writing)
  }
}

/** What is named instead of being looked into. */
function opaque(value: object): string | undefined {
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return `[binary: ${value.byteLength} bytes]`
  if (value instanceof Blob) return `[binary: ${value.size} bytes]`
  return typeof (value as { pipe?: unknown }).pipe === 'function' ? '[stream]' : undefined
}

/** Writes what is its own JSON, and has a byte per character. */
function spend(text: string, writing: Writing): true {
  writing.left -= text.length
  writing.parts.push(text)
  return true
}
