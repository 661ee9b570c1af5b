/** Where log lines go; `console`, pino and most loggers fit. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export const consoleLogger: Logger = globalThis.console

/** Formats a count for a log line: `1,204 spans`. */
export function countOf(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Formats a number with commas and at most one decimal. `toLocaleString` takes 20 ms when it is first called. */
export function grouped(value: number): string {
  const [whole, decimal] = (Math.round(value * 10) / 10).toString().split('.')
  const commas = whole!.replace(/\B(?=(\d{3})+$)/g, ',')
  return decimal === undefined ? commas : `${commas}.${decimal}`
}

/** A logger that lets a line of the same cause through once in `everyMs`, and whose own errors stay inside. */
export interface Reporter {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
  /** Warns at most once in `everyMs` for each cause. */
  warnOnce(cause: string, message: () => string): void
}

/** Creates a reporter over a logger. */
export function createReporter(
  logger: Logger,
  options: { redact: (text: string) => string; now: () => number; everyMs: number },
): Reporter {
  const lastAt = new Map<string, number>()

  return {
    info: message => write('info', message),
    warn: message => write('warn', message),
    error: message => write('error', message),
    warnOnce(cause, message) {
      const last = lastAt.get(cause)
      const now = options.now()
      if (last !== undefined && now - last < options.everyMs) return
      lastAt.set(cause, now)
      write('warn', message())
    },
  }

  function write(level: 'info' | 'warn' | 'error', message: string): void {
    try {
      logger[level](options.redact(message))
    } catch {
      // A logger that fails is not a reason to lose spans.
    }
  }
}
