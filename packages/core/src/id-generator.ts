import { randomFillSync } from 'node:crypto'
import type { IdGenerator } from '@opentelemetry/sdk-trace-base'

/** Trace and span ids, where those of the next span can be known before it starts. */
export interface PreparedIdGenerator extends IdGenerator {
  /** Runs `start`, in which a span gets `spanId`, if given, and a trace that begins gets `traceId`. */
  withIds<T>(traceId: string, spanId: string | undefined, start: () => T): T
}

const POOL_BYTES = 8_192

/** Random ids, cut from a pool so that the system's generator is asked once for some hundreds of them. */
export function createIdGenerator(): PreparedIdGenerator {
  const pool = Buffer.allocUnsafe(POOL_BYTES)
  let offset = POOL_BYTES
  let preparedTraceId: string | undefined
  let preparedSpanId: string | undefined

  function random(bytes: number): string {
    if (offset + bytes > POOL_BYTES) {
      randomFillSync(pool)
      offset = 0
    }
    offset += bytes
    return pool.toString('hex', offset - bytes, offset)
  }

  return {
    generateTraceId: () => preparedTraceId ?? random(16),
    generateSpanId: () => preparedSpanId ?? random(8),
    withIds(traceId, spanId, start) {
      preparedTraceId = traceId
      preparedSpanId = spanId
      try {
        return start()
      } finally {
        // A root that joins another trace asks for no id, and must not leave this one to the next.
        preparedTraceId = undefined
        preparedSpanId = undefined
      }
    },
  }
}
