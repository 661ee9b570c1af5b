/** Where start-up lines and warnings go; `console`, pino and winston all fit. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** A logger that never throws, never prints a secret, and says each warning once. */
export interface Log extends Logger {
  /** Warns the first time `cause` occurs and counts every time. */
  warnOnce(cause: string, message: string): void
  /** How often each cause occurred, warned of or not. */
  readonly causes: Readonly<Record<string, number>>
}

/** Wraps `logger`; every occurrence of one of `secrets` in a line is replaced. */
export function createLog(logger: Logger, secrets: readonly (string | undefined)[] = []): Log {
  const causes: Record<string, number> = {}
  const hidden = secrets.filter(secret => secret !== undefined && secret.length > 0) as string[]

  function write(level: keyof Logger, message: string): void {
    let line = `langfuse: ${message}`
    for (const secret of hidden) line = line.replaceAll(secret, '[redacted]')
    try {
      logger[level](line)
    } catch {
      // A broken logger is the app's affair; tracing must not make it worse.
    }
  }

  return {
    causes,
    info: message => write('info', message),
    warn: message => write('warn', message),
    error: message => write('error', message),
    warnOnce(cause, message) {
      const count = (causes[cause] ?? 0) + 1
      causes[cause] = count
      if (count === 1) write('warn', message)
    },
  }
}
