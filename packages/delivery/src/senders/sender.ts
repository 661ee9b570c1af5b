/**
 * What became of a request body:
 * - `accepted`: stored, except for `rejectedSpans` of it, which are not sent again;
 * - `unreachable`: no answer, or one that says "later": sent again without limit, and counted by the circuit breaker;
 * - `throttled`: too much at once: sent again without limit after `retryAfterMs`;
 * - `failed`: the other side broke: sent again a bounded number of times;
 * - `malformed`: something in it is not accepted: halved until the span is found;
 * - `too_large`: halved until it fits;
 * - `refused`: the keys or the address are wrong: sending stops, the data is kept, and a probe is sent now and then.
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
  /** For the log, without secrets: `503 Service Unavailable`, `connect ECONNREFUSED`. */
  reason?: string
  /** Spans that were not stored although the body was accepted. */
  rejectedSpans?: number
  /** How long the other side asked to be left alone. */
  retryAfterMs?: number
  /** True where it took too long, so that smaller bodies may help. */
  timedOut?: boolean
}

export interface SendOptions {
  /** Aborted when the result no longer matters. */
  signal: AbortSignal
  /** Number of spans in the body. */
  spans: number
}

/** Takes an OTLP `ExportTraceServiceRequest` in protobuf to its destination. */
export interface Sender {
  /** Sends once. A rejection counts as `unreachable`. */
  send(body: Uint8Array, options: SendOptions): Promise<SendResult>
  /** Gives up connections. */
  close?(): void | Promise<void>
  /** Names the destination across restarts, without secrets: what one process spooled for it, another may send to it. */
  readonly identity: string
  /** The largest body that can be sent. */
  readonly maxBodyBytes?: number
}
