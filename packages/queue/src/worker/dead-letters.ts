import type { DeadLetterCause, Failure, MessageKind, ReceivedMessage } from '../contract/message.ts'
import type { Publisher } from '../contract/message-queue.ts'
import { firstSpan } from '../contract/spans.ts'

/** Keeps what Langfuse never accepts. */
export interface DeadLetters {
  /** Items kept, by cause. */
  readonly counts: Readonly<Record<DeadLetterCause, number>>
  /** Keeps a body. Rejects while the queue cannot store it. */
  keep(letter: {
    kind: MessageKind
    body: Uint8Array
    publicKey: string | undefined
    key: string | undefined
    cause: DeadLetterCause
    reason: string
    origin: string
    items: number
  }): Promise<void>
}

/** Creates the way to the dead-letter topic, queue or stream. */
export function createDeadLetters(publisher: Publisher): DeadLetters {
  const counts: Record<DeadLetterCause, number> = {
    malformed: 0,
    too_large: 0,
    retries_exhausted: 0,
    refused: 0,
    unknown_project: 0,
    undecodable: 0,
  }

  return {
    counts,
    async keep({ kind, body, publicKey, key, cause, reason, origin, items }) {
      const failure: Failure = { cause, reason, origin, failedAt: new Date().toISOString() }
      await publisher.publish('dead-letters', [{ kind, body, publicKey, key, failure }])
      counts[cause] += items
    },
  }
}

/** Finds the message that a single item came from: its bytes are in there as they are. */
export function originOf<Source extends Pick<ReceivedMessage, 'body'>>(
  kind: MessageKind,
  item: Uint8Array,
  sources: readonly Source[],
): Source | undefined {
  if (sources.length < 2) return sources[0]
  const bytes = Buffer.from((kind === 'spans' && firstSpan(item)) || item)
  return sources.find(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.length).includes(bytes))
}
