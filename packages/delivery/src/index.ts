export type { Clock } from './basics/clock.ts'
export type { Logger } from './basics/logger.ts'
export { type ErrorCode, MiddlewareError } from './basics/middleware-error.ts'
export { createRedactor } from './basics/redact.ts'
export type { BackoffOptions } from './outbox/backoff.ts'
export { type Breaker, type BreakerOptions, type BreakerState, createBreaker } from './outbox/breaker.ts'
export { createFanOut } from './outbox/fan-out.ts'
export type { FlushOptions } from './outbox/flush.ts'
export type { ItemOutbox, OutboxHealth, OutboxStats } from './outbox/item-outbox.ts'
export { observeOutboxes } from './outbox/metrics.ts'
export type { OutboxOptions } from './outbox/options.ts'
export { createOutbox, type Outbox } from './outbox/outbox.ts'
export {
  createRelay,
  type Relay,
  type RelayLimit,
  type RelayOptions,
  type RelayStats,
} from './outbox/relay.ts'
export type { RelayRecord } from './outbox/relay-record.ts'
export { createScoreOutbox, type ScoreEvent, type ScoreOutboxOptions } from './outbox/score-outbox.ts'
export type { DiscardCause } from './outbox/settlement.ts'
export type { DropCause, FlushResult } from './queue/ledger.ts'
export type { Compression } from './senders/compression.ts'
export { createGrpcSender } from './senders/grpc-sender.ts'
export type { HttpAnswer } from './senders/http-result.ts'
export { createHttpSender } from './senders/http-sender.ts'
export type { LangfuseSenderOptions } from './senders/langfuse-endpoint.ts'
export { createLangfuseScoreSender } from './senders/langfuse-score-sender.ts'
export { createLangfuseSender } from './senders/langfuse-sender.ts'
export { createOtlpSender, type OtlpSenderOptions } from './senders/otlp-sender.ts'
export type { Sender, SendOptions, SendOutcome, SendResult } from './senders/sender.ts'
export type { GrpcSenderOptions, HttpSenderOptions } from './senders/sender-options.ts'
export type { Transport } from './senders/transport.ts'
export type { Fsync, SpoolOptions } from './spool/options.ts'
export {
  createRecordBuilder,
  type EncodedRecord,
  type RecordBuilder,
  type RecordBuilderOptions,
} from './wire/record-builder.ts'
export { splitByTrace, type TraceRecord } from './wire/split-by-trace.ts'
export { splitRequest } from './wire/split-request.ts'
export { readFields, type WireField } from './wire/wire-reader.ts'
