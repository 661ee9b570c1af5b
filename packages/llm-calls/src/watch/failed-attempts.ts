import { createHash } from 'node:crypto'

/** Failed calls that a client may repeat. */
export interface FailedAttempts {
  /** How often the call was made and failed before; forgets it. */
  take(key: string): number
  add(key: string, attempts: number): void
  /** Whether any call failed lately, so that most calls need no key. */
  readonly any: boolean
}

const MAX_KEPT = 200
const MAX_AGE_MS = 120_000

/** Creates an empty list, bounded in number and age. */
export function createFailedAttempts(now: () => number = Date.now): FailedAttempts {
  const failed = new Map<string, { attempts: number; at: number }>()

  return {
    get any() {
      return failed.size > 0
    },
    take(key) {
      const known = failed.get(key)
      failed.delete(key)
      return known !== undefined && now() - known.at <= MAX_AGE_MS ? known.attempts : 0
    },
    add(key, attempts) {
      failed.set(key, { attempts, at: now() })
      for (const [oldest, { at }] of failed) {
        if (failed.size <= MAX_KEPT && now() - at <= MAX_AGE_MS) break
        failed.delete(oldest)
      }
    },
  }
}

/** A key of the same request to the same place. */
export function attemptKey(place: string, body: unknown): string {
  return createHash('sha1').update(place).update(JSON.stringify(body)).digest('base64')
}

/** Statuses that clients repeat a call for. */
export function isRepeatable(statusCode: number | undefined): boolean {
  return statusCode === undefined || [408, 409, 425, 429].includes(statusCode) || statusCode >= 500
}
