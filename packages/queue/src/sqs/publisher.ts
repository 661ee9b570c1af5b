import { createHash, randomUUID } from 'node:crypto'
import type { QueueMessage } from '../contract/message.ts'
import type { Publisher } from '../contract/message-queue.ts'
import { openSqs, type Sqs } from './client.ts'
import { type EncodedMessage, encodeBody, sqsAttributes } from './encoding.ts'
import { isFifo, type SqsConfig } from './options.ts'

/** Creates the publisher of an SQS queue. It loads the SDK when it is first used. */
export function createSqsPublisher(config: SqsConfig): Publisher {
  let opening: Promise<Sqs> | undefined

  return {
    async publish(channel, messages) {
      opening ??= openSqs(config).catch(error => {
        opening = undefined
        throw error
      })
      const { sdk, send } = await opening
      const url = config.urls[channel]
      for (const message of messages) {
        const encoded = await encode(message)
        await send(
          new sdk.SendMessageCommand({ QueueUrl: url, ...encoded, ...(isFifo(url) && fifo(encoded)) }),
        )
      }
    },
    async close() {
      const sqs = await opening?.catch(() => undefined)
      sqs?.close()
    },
  }
}

async function encode(message: QueueMessage): Promise<EncodedMessage> {
  const MessageBody = message.encoded ?? (await encodeBody(message.body))
  return { MessageBody, MessageAttributes: sqsAttributes(message) }
}

/** Every message in a group of its own: the order between them does not matter, their throughput does. */
function fifo({ MessageBody }: EncodedMessage) {
  return {
    MessageGroupId: randomUUID(),
    MessageDeduplicationId: createHash('sha256').update(MessageBody).digest('hex'),
  }
}
