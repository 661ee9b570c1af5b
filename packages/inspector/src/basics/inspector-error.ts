/** Why the inspector did not start, or a wait ended without a trace. */
export type InspectorErrorCode =
  | 'LANGFUSE_MIDDLEWARE_INVALID_OPTION'
  | 'LANGFUSE_MIDDLEWARE_INSPECTOR_IN_PRODUCTION'
  | 'LANGFUSE_MIDDLEWARE_INSPECTOR_EXPOSED'
  | 'LANGFUSE_MIDDLEWARE_NO_FREE_PORT'
  | 'LANGFUSE_MIDDLEWARE_NO_TRACE'

/** An error of the inspector with a stable `code`. */
export class InspectorError extends Error {
  readonly code: InspectorErrorCode

  constructor(code: InspectorErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} (${code})`, options)
    this.name = 'InspectorError'
    this.code = code
  }
}
