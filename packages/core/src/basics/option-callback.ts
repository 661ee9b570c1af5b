import { types } from 'node:util'
import type { Log } from './logger.ts'

/** What is accepted from a callback, in the words of an error message. */
export interface Accepts<T> {
  readonly what: string
  readonly test: (value: unknown) => value is T
}

/** Accepts `true`, `false` and nothing. */
export const A_BOOLEAN: Accepts<boolean | undefined> = {
  what: 'true or false',
  test: (value): value is boolean | undefined => value === undefined || typeof value === 'boolean',
}

/** Accepts anything but a promise. */
export const ANY_VALUE: Accepts<unknown> = { what: 'a value', test: (_value): _value is unknown => true }

/** Accepts a string. */
export const ANY_STRING: Accepts<string> = {
  what: 'a string',
  test: (value): value is string => typeof value === 'string',
}

/**
 * Calls a function that the app gave as option `name`, and never throws. If it throws, or returns a promise or a value that is not
 * accepted, the first time is warned of, every time is counted, and `otherwise` is returned. A promise that is rejected is handled.
 */
export function callOption<T>(
  log: Log,
  name: string,
  accepts: Accepts<T>,
  otherwise: T,
  call: () => unknown,
): T {
  try {
    const value = call()
    if (isThenable(value)) {
      void Promise.resolve(value).catch(() => {})
      warn(log, name, 'returned a promise, and must be synchronous')
      return otherwise
    }
    if (accepts.test(value)) return value
    warn(log, name, `must return ${accepts.what}, and returned ${shortly(value)}`)
  } catch (error) {
    warn(log, name, `threw: ${shortly(error)}`)
  }
  return otherwise
}

/** Whether a value is a promise, of any realm, or something that can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (types.isPromise(value)) return true
  return (typeof value === 'object' || typeof value === 'function') && value !== null
    ? typeof (value as { then?: unknown }).then === 'function'
    : false
}

function warn(log: Log, name: string, how: string): void {
  log.warnOnce(`${name} failed`, `the option ${name} ${how}; its default is used for this request`)
}

function shortly(value: unknown): string {
  try {
    if (types.isNativeError(value)) return String(value).slice(0, 200)
    return typeof value === 'object' && value !== null
      ? Object.prototype.toString.call(value)
      : String(value).slice(0, 200)
  } catch {
    return 'a value that cannot be printed'
  }
}
