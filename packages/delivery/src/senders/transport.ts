import type { Sender } from './sender.ts'

/** A message queue that carries spans and scores to workers, which send them to Langfuse. */
export interface Transport {
  /** Name used in log lines: `Kafka`. */
  readonly name: string
  /** Creates the sender of a project's spans. Only the public key travels with them. */
  spans(project: { publicKey: string }): Sender
  /** Creates the sender of a project's scores. */
  scores(project: { publicKey: string }): Sender
}
