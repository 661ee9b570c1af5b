/**
 * The contract between an outbox (or a queue worker) and a destination. A sender makes one attempt and reports what happened; the outbox owns
 * batching, retries, backoff, circuit breaker, memory and spool.
 *
 * What the caller does for each outcome:
 *
 * | outcome | meaning | consequence |
 * |---|---|---|
 * | `accepted` | stored, except `rejectedSpans` (lost) and `retryItems` (sent again) | counted as delivered |
 * | `unreachable` | no connection: nothing of the body arrived | retried without limit; counts for the breaker |
 * | `failed` | timeout, reset or 5xx: an outage, or this body breaks the server | retried without limit while nothing else gets through; otherwise retried last and alone, split, and dropped after `maxAttempts` |
 * | `throttled` | too many requests | retried without limit, after the longer of `retryAfterMs` and the backoff |
 * | `refused` | wrong key, address or configuration | sending stops and is probed now and then; nothing is dropped |
 * | `malformed` | the body holds something invalid | halved until the item is found, which is dropped |
 * | `too_large` | the body is too large | halved until it fits; a single span is sent again with shortened texts |
 */
export type SendOutcome =
  | 'accepted'
  | 'unreachable'
  | 'throttled'
  | 'failed'
  | 'malformed'
  | 'too_large'
  | 'refused'

export interface SendResult {
  outcome: SendOutcome
  /** For log lines, without secrets: `503 Service Unavailable`, `connect ECONNREFUSED`. */
  reason?: string
  /** With `accepted`: number of spans that were not stored and must not be sent again. */
  rejectedSpans?: number
  /** With `accepted`: indexes of items in the body that were not stored and must be sent again. */
  retryItems?: readonly number[]
  /** How long the destination asked to be left alone, in milliseconds. */
  retryAfterMs?: number
  /** True if the attempt timed out, so that a smaller body may succeed. */
  timedOut?: boolean
}

export interface SendOptions {
  /** Aborted when the result no longer matters. */
  signal: AbortSignal
  /** Number of spans in the body. */
  spans: number
}

/** Delivers an OTLP `ExportTraceServiceRequest` in protobuf. */
export interface Sender {
  /** Makes one attempt. A rejection counts as `failed`. */
  send(body: Uint8Array, options: SendOptions): Promise<SendResult>
  /** Closes connections. */
  close?(): void | Promise<void>
  /** Names the destination across restarts, without secrets: what one process spooled for it, another may send to it. */
  readonly identity: string
  /** The largest body that can be sent, in bytes. */
  readonly maxBodyBytes?: number
}

const OUTCOMES: ReadonlySet<unknown> = new Set<SendOutcome>([
  'accepted',
  'unreachable',
  'throttled',
  'failed',
  'malformed',
  'too_large',
  'refused',
])

/** Calls a sender once. Never rejects: an error, or a result that is none, counts as `failed`. */
export async function sendOnce(sender: Sender, body: Uint8Array, options: SendOptions): Promise<SendResult> {
  try {
    const result: unknown = await sender.send(body, options)
    if (typeof result === 'object' && result !== null && OUTCOMES.has((result as SendResult).outcome))
      return result as SendResult
    return { outcome: 'failed', reason: 'the sender returned no result with a known outcome' }
  } catch (error) {
    return { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}
