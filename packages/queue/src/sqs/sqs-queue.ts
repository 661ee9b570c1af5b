import type { MessageKind } from '../contract/message.ts'
import type { MessageQueue } from '../contract/message-queue.ts'
import { createQueueSender } from '../contract/queue-sender.ts'
import { encodeInPieces } from '../contract/split.ts'
import { createSqsConsumer } from './consumer.ts'
import { encodeBody, sizeOf, sqsAttributes } from './encoding.ts'
import { sqsResult } from './errors.ts'
import { resolveSqsOptions, type SqsQueueOptions } from './options.ts'
import { createSqsPublisher } from './publisher.ts'

const MAX_BODY_BYTES = 2 * 1024 * 1024

/**
 * Creates a queue on Amazon SQS, for an app (`langfuseMiddleware({ queue: sqsQueue({ queueUrl }) })`) or a worker.
 *
 * A message is one batch of the outbox: Base64 of gzip of OTLP in protobuf, or of score events.
 *
 * @throws LANGFUSE_MIDDLEWARE_INVALID_OPTION
 * @example
 * sqsQueue({ queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/langfuse' })
 */
export function sqsQueue(options: SqsQueueOptions): MessageQueue {
  const config = resolveSqsOptions(options)
  const { host, pathname } = new URL(config.urls.spans)
  const address = `sqs://${host}${pathname}`
  const sender = (kind: MessageKind, publicKey: string) =>
    createQueueSender({
      kind,
      publicKey,
      address,
      secrets: [config.credentials?.secretAccessKey ?? ''],
      maxBodyBytes: MAX_BODY_BYTES,
      publisher: () => createSqsPublisher(config),
      pack: (body, spans) => encodeInPieces(kind, { body, spans }, piece => fitting(kind, publicKey, piece)),
      resultOf: sqsResult,
    })

  return {
    name: 'SQS',
    address,
    partitionedByTrace: false,
    spans: ({ publicKey }) => sender('spans', publicKey),
    scores: ({ publicKey }) => sender('scores', publicKey),
    publisher: () => createSqsPublisher(config),
    consumer: consumer => createSqsConsumer(config, consumer),
  }

  /** How large a body becomes is known only after compressing it. */
  async function fitting(kind: MessageKind, publicKey: string, body: Uint8Array) {
    const encoded = await encodeBody(body)
    const MessageAttributes = sqsAttributes({ kind, publicKey, body })
    return sizeOf({ MessageBody: encoded, MessageAttributes }) <= config.maxMessageBytes
      ? { body, encoded }
      : undefined
  }
}
