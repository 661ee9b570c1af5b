import type { SendResult } from '@langfuse-middleware/delivery'

const REFUSED =
  /^(NOAUTH|WRONGPASS|NOPERM|WRONGTYPE|ERR (invalid password|AUTH|unknown command|wrong number|DB index))|MISSING_PACKAGE/

/** Maps an error of ioredis to the outbox's table; `connection` is what went wrong last on its connection. */
export function redisResult(error: unknown, connection?: Error): SendResult {
  // A command fails with "retries exceeded" or a timeout; the reason is what the connection says.
  const cause = connection ?? (error as { previousErrors?: Error[] }).previousErrors?.at(-1) ?? error
  for (const each of [cause, error] as { message?: string; code?: string }[]) {
    const text = each.message || each.code || String(each)
    if (REFUSED.test(text) || REFUSED.test(each.code ?? ''))
      return { outcome: 'refused', reason: text.slice(0, 300) }
  }
  const { message, code } = cause as { message?: string; code?: string }
  // OOM, MISCONF (disk full), READONLY and LOADING pass, like a lost connection.
  return { outcome: 'unreachable', reason: (message || code || String(cause)).slice(0, 300) }
}
