import type { RelayLimit } from '@langfuse-middleware/delivery'

export interface RateLimitOptions {
  /** Most requests per second. @default unlimited */
  requestsPerSecond?: number | undefined
  /** Most bytes per second, before compression. @default unlimited */
  bytesPerSecond?: number | undefined
}

/** Creates a limit without bursts, so that a Langfuse that comes back is not flooded. */
export function createRateLimit(
  {
    requestsPerSecond = Number.POSITIVE_INFINITY,
    bytesPerSecond = Number.POSITIVE_INFINITY,
  }: RateLimitOptions,
  now: () => number = () => performance.now(),
): RelayLimit {
  let nextAt = Number.NEGATIVE_INFINITY

  return {
    readyAt: () => nextAt,
    spend(bytes) {
      const takes = Math.max(1000 / requestsPerSecond, (bytes * 1000) / bytesPerSecond)
      if (takes > 0) nextAt = Math.max(now(), nextAt) + takes
    },
  }
}
