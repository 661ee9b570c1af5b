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
const DIGIT_BYTES = 256
const UUIDS = 8
const UUID_LENGTH = 36
const DIGITS = Buffer.from('0123456789abcdef')
const DASH = 0x2d

/**
 * Random ids. The system's generator is asked for a pool of some hundreds of them, and their digits are made for some ten at a time, which is
 * half of what they cost one by one. An id that is kept keeps the 500 digits around it.
 */
export function createIdGenerator(): PreparedIdGenerator {
  const pool = Buffer.allocUnsafe(POOL_BYTES)
  let offset = POOL_BYTES
  let digits = ''
  let digitsAt = 0
  let uuids = ''
  let uuidsAt = 0
  let preparedTraceId: string | undefined
  let preparedSpanId: string | undefined

  /** Where so many fresh bytes of the pool start. */
  function take(count: number): number {
    if (offset + count > POOL_BYTES) {
      randomFillSync(pool)
      offset = 0
    }
    offset += count
    return offset - count
  }

  function random(count: number): string {
    if (digitsAt + count > digits.length) {
      const start = take(DIGIT_BYTES)
      digits = pool.toString('hex', start, start + DIGIT_BYTES)
      digitsAt = 0
    }
    digitsAt += count
    return digits.slice(digitsAt - count, digitsAt)
  }

  return {
    generateTraceId: () => preparedTraceId ?? random(32),
    generateSpanId: () => preparedSpanId ?? random(16),
    generateUuid() {
      if (uuidsAt === uuids.length) {
        const start = take(UUIDS * 16)
        uuids = uuidsOf(pool.subarray(start, start + UUIDS * 16))
        uuidsAt = 0
      }
      uuidsAt += UUID_LENGTH
      return uuids.slice(uuidsAt - UUID_LENGTH, uuidsAt)
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

/** Version 4 UUIDs, one after the other, of 16 random bytes each. */
function uuidsOf(bytes: Uint8Array): string {
  const text = Buffer.allocUnsafe((bytes.length / 16) * UUID_LENGTH)
  let at = 0
  for (let index = 0; index < bytes.length; index += 1) {
    const random = bytes[index] as number
    const place = index % 16
    const byte = place === 6 ? (random & 0x0f) | 0x40 : place === 8 ? (random & 0x3f) | 0x80 : random
    if (place === 4 || place === 6 || place === 8 || place === 10) text[at++] = DASH
    text[at++] = DIGITS[byte >> 4] as number
    text[at++] = DIGITS[byte & 0x0f] as number
  }
  return text.toString('latin1')
}
