import { isCredentialKey } from './credentials.ts'
import { shown } from './shown-text.ts'

/** A key of a body as it is captured. */
export interface CapturedKey {
  /** As JSON, without what is blanked of it. */
  readonly json: string
  /** Of the text. */
  readonly bytes: number
  /** Whether its value is taken for a credential. */
  readonly isCredential: boolean
}

// An app's bodies have the same keys again and again, and to look at one takes as long as ten values; a stranger's are not kept for long.
const MOST_KEYS = 1_000
const LONGEST_KEY = 64
const known = new Map<string, CapturedKey>()

/** How a key is captured: cut at `maxBytes`, unless it is a short one. */
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
