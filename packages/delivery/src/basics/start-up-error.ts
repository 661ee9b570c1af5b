/** What is thrown when something is set up wrongly; nothing throws once it runs. */
export class StartUpError extends Error {
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(`${message} (${code})`, cause === undefined ? undefined : { cause })
    this.name = 'StartUpError'
    this.code = code
  }
}

/** An option whose value cannot be used. */
export function invalidOption(name: string, remedy: string, value: unknown): StartUpError {
  return new StartUpError(
    'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
    `${name} must be ${remedy}, got ${String(value)}`,
  )
}
