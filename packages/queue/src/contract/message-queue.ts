import type { Transport } from '@langfuse-middleware/delivery'
import type { Channel, QueueMessage, ReceivedMessage } from './message.ts'

/** Writes messages. */
export interface Publisher {
  /** Resolves once the queue has stored all of them. Rejects with the client's error otherwise. */
  publish(channel: Channel, messages: readonly QueueMessage[]): Promise<void>
  close(): Promise<void>
}

export interface ConsumerOptions {
  channels: readonly Channel[]
  /** Name under which several workers share the messages. */
  group: string
  /** Called for each message. */
  receive(message: ReceivedMessage): void
  /** Called when the connection is lost or refused; the consumer goes on trying by itself. */
  failed(error: unknown): void
}

/** Reads messages. */
export interface Consumer {
  /** Starts to receive. Rejects if the client is not installed. */
  start(): Promise<void>
  /** Receives no more for the time being, and stays a member of the group. */
  pause(): void
  resume(): void
  /** Receives no more. What was received may still be acknowledged. */
  stop(): Promise<void>
  /** Tells the queue about the last acknowledgements and leaves the group. */
  close(): Promise<void>
  /** True while the queue can be read. */
  readonly connected: boolean
  /** Partitions it reads, if the queue has partitions. */
  readonly partitions: readonly string[]
  /** Number of messages that wait to be acknowledged, in the queue or here. */
  lag(): Promise<number>
}

/** A message queue: what apps send with, and what workers read from. */
export interface MessageQueue extends Transport {
  /** Address without secrets, for log lines. */
  readonly address: string
  /** True if all messages of a trace reach the same worker, in order. */
  readonly partitionedByTrace: boolean
  publisher(): Publisher
  consumer(options: ConsumerOptions): Consumer
}
