/** The stable codes of errors thrown at start-up; each has a section in the README. */
export type ErrorCode =
  | 'LANGFUSE_MIDDLEWARE_INVALID_OPTION'
  | 'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION'
  | 'LANGFUSE_MIDDLEWARE_ALREADY_REGISTERED'
  | 'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE'

/** Misuse found at start-up; `message` names the value and the remedy, `code` is stable. */
export class MiddlewareError extends Error {
  override readonly name = 'MiddlewareError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${message} (${code})`, options)
    this.code = code
  }
}
