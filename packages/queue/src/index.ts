export { queueFromUrl } from './address/queue-url.ts'
export type {
  Channel,
  DeadLetterCause,
  Failure,
  MessageKind,
  QueueMessage,
  ReceivedMessage,
} from './contract/message.ts'
export type { Consumer, ConsumerOptions, MessageQueue, Publisher } from './contract/message-queue.ts'
export type { Progress, WorkerHealth, WorkerStats } from './monitoring/stats.ts'
export type { SampledTrace, TailSamplingOptions } from './tail-sampling/options.ts'
export type { ReadSpan } from './tail-sampling/span-reader.ts'
export type { Project, WorkerOptions } from './worker/options.ts'
export type { RateLimitOptions } from './worker/rate-limit.ts'
export { type RedriveOptions, type RedriveResult, redriveDeadLetters } from './worker/redrive.ts'
export { createWorker, type Worker } from './worker/worker.ts'
