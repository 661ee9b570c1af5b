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
  3: 'malformed', // INVALID_ARGUMENT
  7: 'refused', // PERMISSION_DENIED
  12: 'refused', // UNIMPLEMENTED
  16: 'refused', // UNAUTHENTICATED
}
const DEADLINE_EXCEEDED = 4
const RESOURCE_EXHAUSTED = 8
const OUT_OF_RANGE = 11
const UNAVAILABLE = 14
// What grpc-js, grpc-go and grpc-java say of a message beyond the receiver's limit.
const TOO_LARGE = /larger than max|too large|exceeds (the )?(max|limit)/i
// Said before a connection stood, so that the body cannot be the reason.
const NO_CONNECTION = /No connection established|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|Name resolution failed/
const RETRY_INFO = 'google.rpc.RetryInfo'

/**
 * Maps a failed gRPC call to the outcome of an attempt.
 * @see https://opentelemetry.io/docs/specs/otlp/#failures
 */
export function resultOfGrpc({ code, details, statusDetails }: GrpcFailure): SendResult {
  const reason = `gRPC status ${code}${details === '' ? '' : `: ${details}`}`
  const retryAfterMs = statusDetails && retryDelayMs(statusDetails)
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  if ((code === RESOURCE_EXHAUSTED || code === OUT_OF_RANGE) && TOO_LARGE.test(details))
    return { outcome: 'too_large', reason }
  if (code === RESOURCE_EXHAUSTED && retryAfterMs !== undefined)
    return { outcome: 'throttled', reason, retryAfterMs }
  if (code === UNAVAILABLE && NO_CONNECTION.test(details)) return { outcome: 'unreachable', reason, ...wait }
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
