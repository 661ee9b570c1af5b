import { validateHeaderName, validateHeaderValue } from 'node:http'
import { MiddlewareError } from './middleware-error.ts'
import { createRedactor } from './redact.ts'

/** Returns `value` in the type that it must have, or throws a MiddlewareError that names `path`. */
export type Check<Value> = (path: string, value: unknown) => Value

/** The longest delay of `setTimeout`, in ms; Node turns a longer one into 1 ms. */
const MAX_TIMER_MS: number = 2 ** 31 - 1

/** Throws LANGFUSE_MIDDLEWARE_INVALID_OPTION: `path must be expectation, got value`. */
export function invalid(path: string, expectation: string, value: unknown, cause?: unknown): never {
  throw new MiddlewareError(
    'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
    `${path} must be ${expectation}, got ${describe(value)}`,
    cause === undefined ? undefined : { cause },
  )
}

/** A number of at least `min`, and finite unless `infinite`. */
export function atLeast(min: number, { infinite = false }: { infinite?: boolean } = {}): Check<number> {
  return (path, value) => {
    if (typeof value === 'number' && value >= min && (infinite || Number.isFinite(value))) return value
    return invalid(path, `a number of at least ${min}`, value)
  }
}

/** A number from `min` to `max`. */
export function between(min: number, max: number): Check<number> {
  return (path, value) =>
    typeof value === 'number' && value >= min && value <= max
      ? value
      : invalid(path, `between ${min} and ${max}`, value)
}

/** An integer from `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Check<number> {
  const expectation =
    max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`
  return (path, value) => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max)
      return value as number
    return invalid(path, expectation, value)
  }
}

/** A delay that a timer can wait for, in milliseconds. */
export function milliseconds(min: number): Check<number> {
  return between(min, MAX_TIMER_MS)
}

/** True or false. */
export const flag: Check<boolean> = (path, value) =>
  typeof value === 'boolean' ? value : invalid(path, 'true or false', value)

/** One of `choices`. */
export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  return (path, value) =>
    choices.find(choice => choice === value) ?? invalid(path, `one of ${choices.join(', ')}`, value)
}

/** A string that is not empty; `expectation` says of what kind. */
export function text(expectation = 'a non-empty string'): Check<string> {
  return (path, value) =>
    typeof value === 'string' && value.trim() !== '' ? value : invalid(path, expectation, value)
}

/** An absolute http or https URL, as a string or a `URL`. */
export const httpUrl: Check<URL> = (path, value) => {
  const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  return invalid(path, 'an http or https URL such as https://cloud.langfuse.com', value)
}

/** A function. Its parameters cannot be checked. */
export function callback<T extends (...args: never[]) => unknown>(): Check<T> {
  return (path, value) => (typeof value === 'function' ? (value as T) : invalid(path, 'a function', value))
}

/** An object that has all of these methods. */
export function withMethods<T>(...methods: readonly (keyof T & string)[]): Check<T> {
  return (path, value) => {
    const object = value as Record<string, unknown> | null | undefined
    if (typeof value === 'object' && methods.every(name => typeof object?.[name] === 'function'))
      return value as T
    return invalid(path, `an object with the ${plural('method', methods)} ${inWords(methods)}`, value)
  }
}

/** A list; each of its items is checked under the path `path[index]`. */
export function listOf<T>(check: Check<T>, expectation = 'a list'): Check<readonly T[]> {
  return (path, value) =>
    Array.isArray(value)
      ? Object.freeze(value.map((item, index) => check(`${path}[${index}]`, item)))
      : invalid(path, expectation, value)
}

/** An object of strings. */
export const textRecord: Check<Readonly<Record<string, string>>> = (path, value) => {
  if (!isRecord(value)) return invalid(path, 'an object of strings', value)
  for (const [name, item] of Object.entries(value))
    if (typeof item !== 'string') invalid(`${path}[${JSON.stringify(name)}]`, 'a string', item)
  return value as Record<string, string>
}

/** Headers that HTTP allows. Their values are secrets, and are in no message. */
export const httpHeaders: Check<Readonly<Record<string, string>>> = (path, value) => {
  const headers = textRecord(path, value)
  for (const [name, item] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, item)
    } catch {
      const where = `${path}[${JSON.stringify(name)}]`
      throw new MiddlewareError(
        'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
        `${where} must have a name and a value that HTTP allows`,
      )
    }
  }
  return headers
}

/** Whether a value is an object with named properties: neither null, nor a list, nor a function. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const LONGEST_VALUE = 100
const redact = createRedactor()

function describe(value: unknown): string {
  if (typeof value === 'string')
    return redact(JSON.stringify(value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value))
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : 'an object'
}

function plural(noun: string, items: readonly unknown[]): string {
  return items.length === 1 ? noun : `${noun}s`
}

function inWords(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}
