/** Every code of an error that our packages throw at start-up; each has a section in docs/errors.md. */
export const ERROR_CODES = [
  'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
  'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION',
  'LANGFUSE_MIDDLEWARE_ALREADY_REGISTERED',
  'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE',
] as const

/** A stable error code. */
export type ErrorCode = (typeof ERROR_CODES)[number]

const DOCUMENTATION = 'https://github.com/langfuse-middleware/langfuse-middleware/blob/main/docs/errors.md'

// Shared by the ESM and the CJS copy of this class, so that `instanceof` works across them.
const BRAND = Symbol.for('langfuse-middleware.error')

/** Misuse found at start-up. The message names the option, the value, the remedy and the URL of the documentation. */
export class MiddlewareError extends Error {
  override readonly name = 'MiddlewareError'
  /** Stable; match on this rather than on the message. */
  readonly code: ErrorCode
  /** The section of the documentation on this code. */
  readonly url: string

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    const url = `${DOCUMENTATION}#${code.toLowerCase()}`
    super(`${message} (${code}): see ${url}`, options)
    this.code = code
    this.url = url
    Object.defineProperty(this, BRAND, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}
