import type { JsonObject } from '../wire/json.ts'

const BASE64 = /^[\w+/-]{64,}={0,2}$/
const START = 96

/**
 * The same value with base64 of media written as data URIs, which Langfuse uploads as media: the members `data`, `bytes` and `images` of
 * Anthropic, Gemini, Bedrock, OpenAI's audio and Ollama.
 */
export function withDataUris(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDataUris)
  if (typeof value !== 'object' || value === null) return value
  const object = value as JsonObject
  const result: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(object)) result[name] = rewritten(object, name, member)
  return result
}

/** True if a value holds base64 of media outside of a data URI, so that most requests need not be copied. */
export function holdsMedia(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'object') {
      if (name === 'images' && Array.isArray(member) && member.some(isBase64)) return true
      if (holdsMedia(member)) return true
    } else if ((name === 'data' || name === 'bytes') && isBase64(member)) return true
  }
  return false
}

function rewritten(object: JsonObject, name: string, member: unknown): unknown {
  if (name === 'images' && Array.isArray(member)) {
    return member.map(image =>
      isBase64(image) ? `data:${sniffed(image)};base64,${image}` : withDataUris(image),
    )
  }
  if ((name !== 'data' && name !== 'bytes') || !isBase64(member)) return withDataUris(member)
  const type = object.media_type ?? object.mimeType ?? object.mime_type
  if (typeof type === 'string') return `data:${type};base64,${member}`
  const { format } = object
  return `data:${typeof format === 'string' ? `audio/${format}` : sniffed(member)};base64,${member}`
}

function isBase64(value: unknown): value is string {
  return typeof value === 'string' && BASE64.test(value.length > START ? value.slice(0, START) : value)
}

// The first bytes of a file, in base64.
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['iVBOR', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lG', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBER', 'application/pdf'],
]

function sniffed(base64: string): string {
  return SIGNATURES.find(([start]) => base64.startsWith(start))?.[1] ?? 'application/octet-stream'
}
