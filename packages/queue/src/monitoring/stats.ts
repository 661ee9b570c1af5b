import type { RelayStats } from '@langfuse-middleware/delivery'
import type { DeadLetterCause, MessageKind } from '../contract/message.ts'

/** How far a worker is. */
export interface Progress {
  /** Messages in the queue that wait to be acknowledged; undefined until first asked for, or if the queue cannot tell. */
  lag: number | undefined
  /** Spans and scores delivered per second, of late. */
  deliveredPerSecond: number
}

export interface WorkerStats extends Progress {
  receivedMessages: number
  /** Messages that are delivered, or kept as dead letters. */
  acknowledgedMessages: number
  /** Spans and scores kept as dead letters, by cause. */
  deadLetters: Readonly<Record<DeadLetterCause, number>>
  /** Spans of traces that tail sampling dropped. */
  sampledOutSpans: number
  /** Bytes of messages in memory. */
  memoryBytes: number
  projects: Readonly<Record<string, Readonly<Record<MessageKind, RelayStats>>>>
}

export interface WorkerHealth extends Progress {
  /** `degraded`: messages wait, because the queue or Langfuse cannot be reached or refuses the keys. */
  status: 'ok' | 'degraded' | 'stopped'
  reasons: readonly string[]
}

/** A worker, as its figures are served. */
export interface Monitored {
  stats(): WorkerStats
  health(): WorkerHealth
}
