import { isCredentialKey } from './credential-names.ts'
import { shown } from './shown-text.ts'

/** A key of a body as it is captured. */
export interface CapturedKey {
  /** As JSON, redacted. */
  readonly json: string
  /** Size of the text without the quotes of JSON. */
  readonly bytes: number
  /** True if its value is taken for a credential. */
  readonly isCredential: boolean
}

// An app's bodies have the same keys again and again, and a key takes as long as ten values; those that a client makes up are soon forgotten.
const MOST_KEYS = 1_000
const LONGEST_KEY = 64
const known = new Map<string, CapturedKey>()

/** A key as it is captured: cut at `maxBytes` if it is long. */
export function capturedKey(key: string, maxBytes: number): CapturedKey {
  if (key.length > LONGEST_KEY) return look(key, maxBytes)
  let captured = known.get(key)
  if (captured !== undefined) return captured
  captured = look(key, Number.POSITIVE_INFINITY)
  if (known.size === MOST_KEYS) known.clear()
  known.set(key, captured)
  return captured
}

function look(key: string, maxBytes: number): CapturedKey {
  const text = shown(key, maxBytes)
  return { json: JSON.stringify(text), bytes: Buffer.byteLength(text), isCredential: isCredentialKey(key) }
}
