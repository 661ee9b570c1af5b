import { types } from 'node:util'
import type { Attributes } from '@opentelemetry/api'

const MAX_METADATA_KEYS = 64
/** Metadata that tells how many keys were left out. */
const DROPPED_KEYS = 'droppedKeys'

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

/** Writes one attribute per key under `prefix`. A span holds only so many attributes: keys past 64 are counted in the last. */
export function writeMetadata(
  attributes: Attributes,
  prefix: string,
  metadata: Record<string, unknown>,
): number {
  let written = 0
  let dropped = 0
  for (const [name, value] of Object.entries(metadata)) {
    if (written === MAX_METADATA_KEYS) {
      if (value !== undefined && value !== null) dropped += 1
      continue
    }
    const text = serialise(value)
    if (text === undefined) continue
    written += 1
    attributes[`${prefix}.${name}`] = text
  }
  if (dropped > 0) attributes[`${prefix}.${DROPPED_KEYS}`] = String(dropped)
  return dropped
}
