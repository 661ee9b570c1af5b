import { invalid, knownKeys, numberBetween } from '../basics/validation.ts'
import { compileSelection, isPath } from './text/path-selection.ts'

/** What of a body is captured: all, none, the values at paths such as `messages[-1].content`, or what a function makes of it. */
export type BodyCapture = boolean | readonly string[] | ((body: unknown) => unknown)

/** What a trace shows of what was said; nothing of it unless asked for, and never a credential. */
export interface CaptureOptions {
  /** Values of the query string: all, or those of these keys. @default false */
  query?: boolean | readonly string[]
  /** Request headers: all, or these. @default false */
  requestHeaders?: boolean | readonly string[]
  /** Response headers: all, or these. @default false */
  responseHeaders?: boolean | readonly string[]
  /** The body as the framework parsed it, as the root's input. @default false */
  requestBody?: BodyCapture
  /** The body as the app wrote it, as the root's output; a streamed answer is put together. @default false */
  responseBody?: BodyCapture
  /** How much of each captured value is kept. @default 65536 */
  maxBytes?: number
  /** Paths in bodies that are blanked, besides credential-like keys: `user.email`, `messages[*].name`. */
  redact?: readonly string[]
}

/** Which values of a query or of headers are captured. */
export type NameCapture = false | ((name: string) => boolean)

/** CaptureOptions with everything decided. */
export interface Capture {
  readonly query: NameCapture
  readonly requestHeaders: NameCapture
  readonly responseHeaders: NameCapture
  /** Undefined where the body is not captured. */
  readonly requestBody: ((body: unknown) => unknown) | undefined
  readonly responseBody: ((body: unknown) => unknown) | undefined
  readonly maxBytes: number
  /** Blanks the paths of `redact` in a copy; undefined where there are none. */
  readonly redact: ((body: unknown) => unknown) | undefined
}

const NAMES: readonly (keyof CaptureOptions)[] = [
  'query',
  'requestHeaders',
  'responseHeaders',
  'requestBody',
  'responseBody',
  'maxBytes',
  'redact',
]

/** Nothing captured. */
export const NO_CAPTURE: Capture = Object.freeze({
  query: false,
  requestHeaders: false,
  responseHeaders: false,
  requestBody: undefined,
  responseBody: undefined,
  maxBytes: 64 * 1024,
  redact: undefined,
})

/** Decides `options` over those in force, whose paths of `redact` stay. Throws a MiddlewareError on a wrong value. */
export function resolveCapture(options: CaptureOptions, base: Capture): Capture {
  knownKeys('capture', options, NAMES)
  const { query, requestHeaders, responseHeaders, requestBody, responseBody, maxBytes } = options
  return Object.freeze({
    query: names('query', query, true) ?? base.query,
    requestHeaders: names('requestHeaders', requestHeaders) ?? base.requestHeaders,
    responseHeaders: names('responseHeaders', responseHeaders) ?? base.responseHeaders,
    requestBody: requestBody === undefined ? base.requestBody : selection('requestBody', requestBody),
    responseBody: responseBody === undefined ? base.responseBody : selection('responseBody', responseBody),
    maxBytes:
      maxBytes === undefined
        ? base.maxBytes
        : numberBetween('capture.maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER),
    redact: redaction(options.redact, base.redact),
  })
}

const resolved = new WeakMap<CaptureOptions, { readonly base: Capture; readonly capture: Capture }>()

/** The same, remembered: a route's options are resolved for its first request, not for each. */
export function captureOver(options: CaptureOptions, base: Capture): Capture {
  const known = resolved.get(options)
  if (known?.base === base) return known.capture
  const capture = resolveCapture(options, base)
  resolved.set(options, { base, capture })
  return capture
}

function names(
  option: string,
  value: boolean | readonly string[] | undefined,
  exact = false,
): NameCapture | undefined {
  if (value === undefined || value === false) return value
  if (value === true) return () => true
  if (!Array.isArray(value) || !value.every(name => typeof name === 'string')) {
    invalid(`capture.${option}`, 'true, false or a list of names', value)
  }
  const wanted = new Set(exact ? value : value.map(name => name.toLowerCase()))
  return name => wanted.has(name)
}

function selection(option: string, value: BodyCapture): ((body: unknown) => unknown) | undefined {
  if (value === false) return undefined
  if (value === true) return body => body
  if (typeof value === 'function') return value
  if (Array.isArray(value) && value.length > 0 && value.every(isPath)) return compileSelection(value)
  return invalid(
    `capture.${option}`,
    'true, false, a function or a list of paths such as messages[-1].content',
    value,
  )
}

function redaction(paths: readonly string[] | undefined, base: Capture['redact']): Capture['redact'] {
  if (paths === undefined || (Array.isArray(paths) && paths.length === 0)) return base
  const expectation = 'a list of paths such as user.email or messages[*].name'
  if (!Array.isArray(paths)) return invalid('capture.redact', expectation, paths)
  const slowRedact: typeof import('@pinojs/redact') = require('@pinojs/redact')
  try {
    // It copies what lies on its paths, and leaves the app's objects as they are.
    const redact = slowRedact({ paths, censor: '[redacted]', serialize: (value: unknown) => value })
    return base === undefined ? redact : body => redact(base(body))
  } catch (error) {
    return invalid('capture.redact', expectation, paths, error)
  }
}
