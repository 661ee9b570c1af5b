/** Contents of a message: spans as an OTLP request body, or scores as one JSON event per line. */
export type MessageKind = 'spans' | 'scores'

/** Destination of a message within a queue. */
export type Channel = MessageKind | 'dead-letters'

/** A message on its way to a worker. */
export interface QueueMessage {
  kind: MessageKind
  body: Uint8Array
  /** The body in the text form of the queue, if it was made before. */
  encoded?: string | undefined
  /** Public key of the project that the contents belong to. */
  publicKey?: string | undefined
  /** Trace id, by which a partitioned queue keeps a trace together. */
  key?: string | undefined
  /** Set for dead letters. */
  failure?: Failure | undefined
}

/** Reasons for keeping a message as a dead letter. */
export type DeadLetterCause =
  | 'malformed'
  | 'too_large'
  | 'retries_exhausted'
  | 'refused'
  | 'unknown_project'
  | 'undecodable'

/** Why a message became a dead letter. */
export interface Failure {
  /** A `DeadLetterCause`, or that of a later version. */
  cause: string
  /** Answer of Langfuse, without secrets. */
  reason: string
  /** Where the message was: `otlp_spans[2]@1234`. */
  origin: string
  /** ISO 8601. */
  failedAt: string
}

/** A message as a worker receives it. */
export interface ReceivedMessage extends QueueMessage {
  /** Where the message is: `otlp_spans[2]@1234`. */
  origin: string
  /** Partition of the message; messages of one partition arrive in order. */
  partition: string
  /** Lets the queue forget the message. Must be called once it is safe elsewhere. */
  acknowledge(): void
}
