import { redactText } from './credentials.ts'
import { cutText } from './text-cut.ts'

/** A text as it is captured: cut at `maxBytes`, then redacted, so that a huge text costs no more than a small one. */
export function shown(text: string, maxBytes: number): string {
  return redactText(cutText(text, Math.max(maxBytes, 0)))
}
