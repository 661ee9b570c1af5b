/** Reasons for which an evaluation does not start. */
export type EvaluateErrorCode =
  | 'LANGFUSE_EVALUATE_INVALID_OPTION'
  | 'LANGFUSE_EVALUATE_INVALID_DATA'
  | 'LANGFUSE_EVALUATE_TRACING_RUNNING'

/** An evaluation that cannot start; `message` says what to change. */
export class EvaluateError extends Error {
  override readonly name: string = 'EvaluateError'
  readonly code: EvaluateErrorCode

  constructor(code: EvaluateErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} (${code})`, options)
    this.code = code
  }
}

/** Creates the error for an option that cannot be used. */
export function invalidOption(path: string, expected: string, value: unknown): EvaluateError {
  return new EvaluateError(
    'LANGFUSE_EVALUATE_INVALID_OPTION',
    `${path} must be ${expected}, got ${shown(value)}`,
  )
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  return JSON.stringify(value) ?? String(value)
}
