export type { BackoffOptions } from './backoff.ts'
export { type Breaker, type BreakerOptions, type BreakerState, createBreaker } from './breaker.ts'
export type { Clock } from './clock.ts'
export type { Compression } from './compression.ts'
export { createFanOut } from './fan-out.ts'
export { createGrpcSender, type GrpcSenderOptions } from './grpc-sender.ts'
export type { HttpAnswer } from './http-result.ts'
export { createHttpSender, type HttpSenderOptions } from './http-sender.ts'
export type { FlushOptions, ItemOutbox, OutboxHealth, OutboxStats } from './item-outbox.ts'
export type { LangfuseSenderOptions } from './langfuse-endpoint.ts'
export { createLangfuseScoreSender } from './langfuse-score-sender.ts'
export { createLangfuseSender } from './langfuse-sender.ts'
export type { DropCause, FlushResult } from './ledger.ts'
export type { Logger } from './logger.ts'
export { observeOutboxes } from './metrics.ts'
export type { OutboxOptions } from './options.ts'
export { createOtlpSender, type OtlpSenderOptions } from './otlp-sender.ts'
export { createOutbox, type Outbox } from './outbox.ts'
export {
  createRecordBuilder,
  type EncodedRecord,
  type RecordBuilder,
  type RecordBuilderOptions,
} from './record-builder.ts'
export { createRedactor } from './redact.ts'
export { createScoreOutbox, type ScoreEvent, type ScoreOutboxOptions } from './score-outbox.ts'
export type { Sender, SendOptions, SendOutcome, SendResult } from './sender.ts'
export type { Fsync, SpoolOptions } from './spool/options.ts'
export { StartUpError } from './start-up-error.ts'
