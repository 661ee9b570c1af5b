import type { Attributes, AttributeValue } from '../otlp/otlp-span.ts'

// Only objects and arrays: a sender leaves strings unquoted, so the text 42 may have been a string.
function parseJson(text: string | undefined): unknown {
  if (text === undefined || !/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Leaves out what is `undefined`, so that absent values are absent keys. */
export function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Record<string, unknown> = {}
  // Runs several times for each span that is read: twice as fast as entries filtered.
  for (const key in values) if (values[key] !== undefined) kept[key] = values[key]
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** The first of these attributes that is there and not empty, parsed where it is JSON. */
export function firstValue(attributes: Attributes, names: readonly string[]): unknown {
  for (const name of names) {
    const value = attributes[name]
    if (value != null && value !== '') return typeof value === 'string' ? parseJson(value) : value
  }
  return undefined
}

/** Metadata that was flattened to one attribute a key, put together again. */
export function readMetadata(attributes: Attributes, prefix: string): Record<string, unknown> {
  const whole = firstValue(attributes, [prefix])
  const isObject = typeof whole === 'object' && whole !== null && !Array.isArray(whole)
  const keys = Object.keys(attributes).filter(key => key.startsWith(`${prefix}.`))
  return Object.fromEntries([
    ...(isObject ? Object.entries(whole) : whole === undefined ? [] : [['metadata', whole]]),
    ...keys.map(key => [key.slice(prefix.length + 1), unquoted(firstValue(attributes, [key]))]),
  ])
}

/** The SDK for Python leaves no string of metadata without its quotes. */
function unquoted(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('"')) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** Tags, from a list, a list in JSON or a list with commas. */
export function readTags(value: AttributeValue | undefined): string[] {
  const parsed = typeof value === 'string' ? parseJson(value) : value
  if (Array.isArray(parsed)) return parsed.filter(tag => typeof tag === 'string')
  if (typeof parsed !== 'string') return []
  return parsed
    .split(',')
    .map(tag => tag.trim())
    .filter(tag => tag !== '')
}

/** Dollars by a name of OpenTelemetry's kind, under Langfuse's. */
export function genAiCost(attributes: Attributes): Record<string, unknown> | undefined {
  const total = attributes['gen_ai.usage.cost']
  return total === undefined ? undefined : { total }
}

/** The first of these attributes that is a text and not empty. */
export function firstString(attributes: Attributes, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
