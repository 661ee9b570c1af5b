import { createLog as createPlainLog, type Log, type Logger } from '@langfuse-middleware/delivery/options'

export type { Log, Logger }

/** Wraps an app's logger: lines begin with `langfuse: `, and none contains one of `secrets`. */
export function createLog(logger: Logger, secrets: readonly string[] = []): Log {
  return createPlainLog(logger, { secrets, prefix: 'langfuse: ' })
}
