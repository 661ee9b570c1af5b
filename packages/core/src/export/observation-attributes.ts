import { types } from 'node:util'
import type { Attributes } from '@opentelemetry/api'

const MAX_METADATA_KEYS = 64

/** A value as Langfuse takes it: strings as they are, the rest as JSON; what cannot be serialised is named instead. */
export function serialise(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item))
  } catch (error) {
    return `<not serialisable: ${types.isNativeError(error) ? error.message : 'unknown reason'}>`
  }
}

/** Writes one attribute per key under `prefix`; keys past 64 are left out, because a span holds only so many attributes. */
export function writeMetadata(
  attributes: Attributes,
  prefix: string,
  metadata: Record<string, unknown>,
): void {
  let room = MAX_METADATA_KEYS
  for (const [name, value] of Object.entries(metadata)) {
    const written = serialise(value)
    if (written === undefined) continue
    if (room === 0) return
    room -= 1
    attributes[`${prefix}.${name}`] = written
  }
}

/** What an error says, in one line of at most 1000 characters. */
export function errorMessage(error: unknown): string {
  try {
    const text = types.isNativeError(error)
      ? `${error.name}: ${error.message}`
      : String(serialise(error) ?? error)
    return text.slice(0, 1_000)
  } catch {
    return 'an error that cannot be printed'
  }
}
