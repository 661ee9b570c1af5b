import { randomFillSync } from 'node:crypto'
import type { IdGenerator } from '@opentelemetry/sdk-trace-base'

/** Trace and span ids, where the next trace id can be known before its root starts. */
export interface PreparedIdGenerator extends IdGenerator {
  /** Makes `traceId` the next one handed out. */
  prepare(traceId: string): void
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
    generateTraceId() {
      const traceId = prepared
      prepared = undefined
      return traceId ?? random(16)
    },
    generateSpanId: () => random(8),
    prepare(traceId) {
      prepared = traceId
    },
  }
}
