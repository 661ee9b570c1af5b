import { boundedJson } from './text/bounded-json.ts'

const MAX_BYTES = 8 * 1024 * 1024

/**
 * Copies a JSON value with credentials blanked, by the rules for captured bodies.
 *
 * @example
 * redactContent({ question: 'hi', apiKey: 'sk-1' }) // { question: 'hi', apiKey: '[redacted]' }
 */
export function redactContent(value: unknown): unknown {
  const json = boundedJson(value, MAX_BYTES)
  return json === undefined ? undefined : JSON.parse(json)
}
