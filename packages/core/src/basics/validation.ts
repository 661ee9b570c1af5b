import { MiddlewareError } from '@langfuse-middleware/delivery/options'

/** Throws LANGFUSE_MIDDLEWARE_INVALID_OPTION: `name must be expectation, got value`. */
export function invalid(name: string, expectation: string, value: unknown, cause?: unknown): never {
  throw new MiddlewareError(
    'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
    `${name} must be ${expectation}, got ${describe(value)}`,
    cause === undefined ? undefined : { cause },
  )
}

/** Passes a finite number within [min, max]; a string (from the environment) is read as one. */
export function numberBetween(name: string, value: number | string, min: number, max: number): number {
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number === 'number' && number >= min && number <= max) return number
  return invalid(name, max === Infinity ? `a number of at least ${min}` : `between ${min} and ${max}`, value)
}

/** Passes true or false; from the environment also `1`, `0`, `yes`, `no`, `on`, `off`. */
export function flag(name: string, value: boolean | string): boolean {
  if (typeof value === 'boolean') return value
  const word = typeof value === 'string' ? value.toLowerCase() : ''
  if (['true', '1', 'yes', 'on'].includes(word)) return true
  if (['false', '0', 'no', 'off'].includes(word)) return false
  return invalid(name, 'true or false', value)
}

/** Passes one of `choices`. */
export function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  return choices.find(choice => choice === value) ?? invalid(name, `one of ${choices.join(', ')}`, value)
}

/** Passes an absolute http(s) URL, without its trailing slash. */
export function httpUrl(name: string, value: string): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    return invalid(name, 'an http or https URL such as https://cloud.langfuse.com', value)
  }
  return value.replace(/\/+$/, '')
}

/** Passes a string that is not empty. */
export function text(name: string, value: string): string {
  return typeof value === 'string' && value.trim() !== ''
    ? value
    : invalid(name, 'a string with content', value)
}

/** Throws LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION for a key that is not in `known`, with the nearest that is. */
export function knownKeys(where: string, value: unknown, known: readonly string[]): void {
  if (value === undefined) return
  if (typeof value !== 'object' || value === null) invalid(where, 'an object', value)
  for (const key of Object.keys(value as object)) {
    if (known.includes(key)) continue
    const close = known.find(name => name.toLowerCase().startsWith(key.toLowerCase().slice(0, 4)))
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION',
      `${where} has no "${key}"${close ? `, did you mean "${close}"?` : `; it takes ${known.join(', ')}`}`,
    )
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : 'an object'
}
