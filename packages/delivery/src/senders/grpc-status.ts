import { readFields, type WireField } from '../wire/wire-reader.ts'
import type { SendOutcome, SendResult } from './sender.ts'

/** What a gRPC call that failed says. */
export interface GrpcFailure {
  code: number
  details: string
  /** The trailer `grpc-status-details-bin`. */
  statusDetails?: Uint8Array | undefined
}

const OUTCOMES: Readonly<Record<number, SendOutcome>> = {
  1: 'unreachable', // CANCELLED
  3: 'malformed', // INVALID_ARGUMENT
  4: 'unreachable', // DEADLINE_EXCEEDED
  7: 'refused', // PERMISSION_DENIED
  10: 'unreachable', // ABORTED
  11: 'unreachable', // OUT_OF_RANGE
  12: 'refused', // UNIMPLEMENTED
  14: 'unreachable', // UNAVAILABLE
  15: 'unreachable', // DATA_LOSS
  16: 'refused', // UNAUTHENTICATED
}
const DEADLINE_EXCEEDED = 4
const RESOURCE_EXHAUSTED = 8
const LARGER_THAN_ALLOWED = /larger than max|too large/i
const RETRY_INFO = 'google.rpc.RetryInfo'

/** Says what a failed gRPC call means for the request body, as the OTLP specification has it. */
export function resultOfGrpc({ code, details, statusDetails }: GrpcFailure): SendResult {
  const reason = `gRPC status ${code}${details === '' ? '' : `: ${details}`}`
  const retryAfterMs = statusDetails && retryDelayMs(statusDetails)
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (code === RESOURCE_EXHAUSTED) {
    if (retryAfterMs !== undefined) return { outcome: 'throttled', reason, retryAfterMs }
    return { outcome: LARGER_THAN_ALLOWED.test(details) ? 'too_large' : 'failed', reason }
  }
  const result: SendResult = { outcome: OUTCOMES[code] ?? 'failed', reason, ...wait }
  return code === DEADLINE_EXCEEDED ? { ...result, timedOut: true } : result
}

/** Finds a `RetryInfo` in a `google.rpc.Status` and returns its delay. */
function retryDelayMs(status: Uint8Array): number | undefined {
  try {
    for (const detail of fieldsOf(status, 3)) {
      const [type] = fieldsOf(detail.content, 1)
      if (!type || !Buffer.from(type.content).toString().endsWith(RETRY_INFO)) continue
      const [info] = fieldsOf(detail.content, 2)
      const [delay] = info ? fieldsOf(info.content, 1) : []
      if (!delay) return 0
      const [seconds] = fieldsOf(delay.content, 1)
      const [nanoseconds] = fieldsOf(delay.content, 2)
      return (seconds?.value ?? 0) * 1000 + (nanoseconds?.value ?? 0) / 1e6
    }
  } catch {
    // A trailer that cannot be read asks for nothing.
  }
  return undefined
}

function fieldsOf(message: Uint8Array, number: number): WireField[] {
  return [...readFields(message)].filter(field => field.number === number)
}
