import { randomFillSync } from 'node:crypto'
import type { IdGenerator } from '@opentelemetry/sdk-trace-base'

/** Trace and span ids, where those of the next span can be known before it starts. */
export interface PreparedIdGenerator extends IdGenerator {
  /** Runs `start`, in which a span gets `spanId`, if given, and a trace that begins gets `traceId`. */
  withIds<T>(traceId: string, spanId: string | undefined, start: () => T): T
  /** A random UUID. */
  generateUuid(): string
}

const POOL_BYTES = 8_192
const CUT_BYTES = 256

/**
 * Random ids, cut from a pool so that the system's generator is asked once for some hundreds of them, and the pool's digits are made for
 * some ten at a time: with `randomUUID` beside it, half of what ids cost. An id that is kept keeps the 512 digits around it.
 */
export function createIdGenerator(): PreparedIdGenerator {
  const pool = Buffer.allocUnsafe(POOL_BYTES)
  let offset = POOL_BYTES
  let digits = ''
  let at = 0
  let preparedTraceId: string | undefined
  let preparedSpanId: string | undefined

  function random(count: number): string {
    if (at + count > digits.length) cut()
    at += count
    return digits.slice(at - count, at)
  }

  function cut(): void {
    if (offset === POOL_BYTES) {
      randomFillSync(pool)
      offset = 0
    }
    digits = pool.toString('hex', offset, offset + CUT_BYTES)
    offset += CUT_BYTES
    at = 0
  }

  return {
    generateTraceId: () => preparedTraceId ?? random(32),
    generateSpanId: () => preparedSpanId ?? random(16),
    generateUuid() {
      const variant = '89ab'[Number.parseInt(random(1), 16) & 3]
      return `${random(8)}-${random(4)}-4${random(3)}-${variant}${random(3)}-${random(12)}`
    },
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
