import { randomFillSync } from 'node:crypto'
import type { IdGenerator } from '@opentelemetry/sdk-trace-base'

/** Trace and span ids, where a trace's id can be known before its root starts. */
export interface PreparedIdGenerator extends IdGenerator {
  /** Runs `start`, in which a trace that begins gets `traceId`. */
  withTraceId<T>(traceId: string, start: () => T): T
}

const POOL_BYTES = 8_192

/** Random ids, cut from a pool so that the system's generator is asked once for some hundreds of them. */
export function createIdGenerator(): PreparedIdGenerator {
  const pool = Buffer.allocUnsafe(POOL_BYTES)
  let offset = POOL_BYTES
  let prepared: string | undefined

  function random(bytes: number): string {
    if (offset + bytes > POOL_BYTES) {
      randomFillSync(pool)
      offset = 0
    }
    offset += bytes
    return pool.toString('hex', offset - bytes, offset)
  }

  return {
    generateTraceId: () => prepared ?? random(16),
    generateSpanId: () => random(8),
    withTraceId(traceId, start) {
      prepared = traceId
      try {
        return start()
      } finally {
        // A root that joins another trace asks for no id, and must not leave this one to the next.
        prepared = undefined
      }
    },
  }
}
