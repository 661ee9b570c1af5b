import { createRedactor, type Sender, type SendResult } from '@langfuse-middleware/delivery'
import type { MessageKind, QueueMessage } from './message.ts'
import type { Publisher } from './message-queue.ts'

/** Part of a request body that is small enough for a message. */
export type PackedMessage = Pick<QueueMessage, 'body' | 'key' | 'encoded'>

export interface QueueSenderOptions {
  kind: MessageKind
  publicKey: string
  /** Names the destination across restarts, without secrets. */
  address: string
  maxBodyBytes: number
  publisher: () => Publisher
  /** Turns a request body into messages; `undefined` if it is too large and cannot be split. */
  pack(body: Uint8Array, spans: number): Promise<PackedMessage[] | undefined>
  /** Maps an error of the client. */
  resultOf(error: unknown): SendResult
  secrets?: readonly string[] | undefined
}

/** Creates the sender that an outbox uses to put its bodies into a queue. */
export function createQueueSender(options: QueueSenderOptions): Sender {
  const { kind, publicKey } = options
  const redact = createRedactor(options.secrets)
  let publisher: Publisher | undefined

  return {
    identity: `${options.address} ${kind} ${publicKey}`,
    maxBodyBytes: options.maxBodyBytes,
    async send(body, { spans }) {
      const packed = await options.pack(body, spans)
      if (packed === undefined)
        return { outcome: 'too_large', reason: 'larger than a message of the queue may be' }
      const messages = packed.map(message => ({ ...message, kind, publicKey }))
      try {
        publisher ??= options.publisher()
        await publisher.publish(kind, messages)
        return { outcome: 'accepted' }
      } catch (error) {
        const result = options.resultOf(error)
        return result.reason === undefined ? result : { ...result, reason: redact(result.reason) }
      }
    },
    close: () => publisher?.close(),
  }
}
