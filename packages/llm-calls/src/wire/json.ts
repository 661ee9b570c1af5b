/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

const NONE: JsonObject = Object.freeze({})

/** The value if it is an object, else an empty one. */
export function members(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : NONE
}

/** The objects of an array; none if the value is not an array. */
export function items(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(members) : []
}

/** The value if it is a string with content. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The parsed object; undefined if `json` is not a JSON object. */
export function parseObject(json: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined
  } catch {
    return undefined
  }
}
