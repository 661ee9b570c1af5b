import { createRedactor } from './redact.ts'

/** Where log lines go; `console`, pino and winston fit. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** A logger that never throws, never prints a secret, and does not repeat a warning. */
export interface Log extends Logger {
  /** Warns the first time that `cause` occurs, then at most once in `repeatAfterMs`; counts every time. */
  warnOnce(cause: string, message: string | (() => string)): void
  /** How often each cause occurred, logged or not. */
  readonly causes: Readonly<Record<string, number>>
}

export interface LogOptions {
  /** Values that are replaced in every line. Langfuse keys, HTTP credentials and passwords in URLs always are. @default none */
  secrets?: Iterable<string> | undefined
  /** Put before every line. @default '' */
  prefix?: string | undefined
  /** Time in ms after which a warning may be repeated. @default Infinity */
  repeatAfterMs?: number | undefined
  /** Milliseconds on a monotonic clock. @default performance.now */
  now?: (() => number) | undefined
}

/** Wraps `logger`. */
export function createLog(logger: Logger, options: LogOptions = {}): Log {
  const {
    secrets,
    prefix = '',
    repeatAfterMs = Number.POSITIVE_INFINITY,
    now = () => performance.now(),
  } = options
  const redact = createRedactor(secrets)
  const causes: Record<string, number> = {}
  const loggedAt = new Map<string, number>()

  return {
    causes,
    info: message => write('info', message),
    warn: message => write('warn', message),
    error: message => write('error', message),
    warnOnce(cause, message) {
      causes[cause] = (causes[cause] ?? 0) + 1
      const last = loggedAt.get(cause)
      if (last !== undefined && now() - last < repeatAfterMs) return
      loggedAt.set(cause, now())
      write('warn', typeof message === 'string' ? message : message())
    },
  }

  function write(level: keyof Logger, message: string): void {
    try {
      logger[level](redact(`${prefix}${message}`))
    } catch {
      // An app's broken logger must not break tracing.
    }
  }
}
