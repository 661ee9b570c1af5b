import { randomUUID } from 'node:crypto'
import type { IdGenerator } from '@opentelemetry/sdk-trace-base'

/** Generates random trace and span ids; those of the next span can be set before it starts. */
export interface PreparedIdGenerator extends IdGenerator {
  /** Runs `start`, in which a span gets `spanId`, if given, and a trace that begins gets `traceId`. */
  withIds<T>(traceId: string, spanId: string | undefined, start: () => T): T
}

/** Creates the generator. Ids are made of UUIDs, which Node generates in batches. */
export function createIdGenerator(): PreparedIdGenerator {
  let preparedTraceId: string | undefined
  let preparedSpanId: string | undefined

  return {
    // The last 14 digits, which sampling and the `random` flag of `traceparent` rely on, are random in a UUID of version 4.
    generateTraceId: () => preparedTraceId ?? randomUUID().replaceAll('-', ''),
    generateSpanId: () => preparedSpanId ?? spanIdOf(randomUUID()),
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

/** 16 digits of the random parts of a UUID. */
function spanIdOf(uuid: string): string {
  return uuid.slice(24) + uuid.slice(0, 4)
}
