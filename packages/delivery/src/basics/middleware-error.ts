/** A stable error code; each has a section in docs/errors.md. */
export type ErrorCode =
  | 'LANGFUSE_MIDDLEWARE_INVALID_OPTION'
  | 'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION'
  | 'LANGFUSE_MIDDLEWARE_ALREADY_REGISTERED'
  | 'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE'
  | 'LANGFUSE_MIDDLEWARE_TWO_PROJECTS'

const DOCUMENTATION = 'https://github.com/langfuse-middleware/langfuse-middleware/blob/main/docs/errors.md'

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
  }
}
