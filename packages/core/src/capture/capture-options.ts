import {
  atLeast,
  checkTable,
  flag,
  invalid,
  type OptionSource,
  type OptionTable,
} from '@langfuse-middleware/delivery/options'
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
  /** Messages of errors, redacted; `false` shows their names alone. @default true */
  errorMessages?: boolean
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
  readonly errorMessages: boolean
  readonly maxBytes: number
  /** Blanks the paths of `redact` in a copy; undefined where there are none. */
  readonly redact: ((body: unknown) => unknown) | undefined
}

/** Nothing captured. */
export const NO_CAPTURE: Capture = Object.freeze({
  query: false,
  requestHeaders: false,
  responseHeaders: false,
  requestBody: undefined,
  responseBody: undefined,
  errorMessages: true,
  maxBytes: 64 * 1024,
  redact: undefined,
})

/** Every option of `capture`. */
export const CAPTURE_OPTIONS: OptionTable<CaptureOptions, Capture> = {
  query: { check: (path, value) => names(path, value, true), default: NO_CAPTURE.query },
  requestHeaders: { check: (path, value) => names(path, value), default: NO_CAPTURE.requestHeaders },
  responseHeaders: { check: (path, value) => names(path, value), default: NO_CAPTURE.responseHeaders },
  requestBody: { check: selection, default: NO_CAPTURE.requestBody },
  responseBody: { check: selection, default: NO_CAPTURE.responseBody },
  errorMessages: { check: flag, default: NO_CAPTURE.errorMessages },
  maxBytes: { check: atLeast(1), default: NO_CAPTURE.maxBytes },
  redact: { check: redaction, default: NO_CAPTURE.redact },
}

/**
 * Resolves `options` over the capture in force, whose `redact` paths stay.
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION, LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION
 */
export function resolveCapture(options: CaptureOptions, base: Capture, path: string = 'capture'): Capture {
  const { redact, ...checked } = checkTable<CaptureOptions, Capture, OptionSource>(
    path,
    options,
    CAPTURE_OPTIONS,
  )
  const { redact: before } = base
  return Object.freeze({
    ...base,
    ...checked,
    redact: redact && before ? (body: unknown) => redact(before(body)) : (redact ?? before),
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

function names(path: string, value: unknown, exact = false): NameCapture {
  if (value === false) return false
  if (value === true) return () => true
  if (!Array.isArray(value) || !value.every(name => typeof name === 'string'))
    return invalid(path, 'true, false or a list of names', value)
  const wanted = new Set(exact ? value : value.map(name => name.toLowerCase()))
  return name => wanted.has(name)
}

function selection(path: string, value: unknown): Capture['requestBody'] {
  if (value === false) return undefined
  if (value === true) return body => body
  if (typeof value === 'function') return value as Capture['requestBody']
  if (Array.isArray(value) && value.length > 0 && value.every(isPath)) return compileSelection(value)
  return invalid(path, 'true, false, a function or a list of paths such as messages[-1].content', value)
}

function redaction(path: string, paths: unknown): Capture['redact'] {
  const expectation = 'a list of paths such as user.email or messages[*].name'
  if (!Array.isArray(paths)) return invalid(path, expectation, paths)
  if (paths.length === 0) return undefined
  const slowRedact: typeof import('@pinojs/redact') = require('@pinojs/redact')
  try {
    // It copies what is on its paths; the app's objects stay as they are.
    return slowRedact({ paths, censor: '[redacted]', serialize: (value: unknown) => value })
  } catch (error) {
    return invalid(path, expectation, paths, error)
  }
}
