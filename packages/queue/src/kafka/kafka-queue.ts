import { createRedactor, splitByTrace } from '@langfuse-middleware/delivery'
import type { MessageKind } from '../contract/message.ts'
import type { MessageQueue } from '../contract/message-queue.ts'
import { createQueueSender, type PackedMessage } from '../contract/queue-sender.ts'
import { encodeInPieces, linesOf } from '../contract/split.ts'
import { createKafkaConsumer } from './consumer.ts'
import { kafkaResult } from './errors.ts'
import { type KafkaConfig, type KafkaQueueOptions, resolveKafkaOptions } from './options.ts'
import { createKafkaPublisher } from './publisher.ts'

/**
 * Creates a queue on Kafka, for an app (`langfuseMiddleware({ queue: kafkaQueue({ brokers }) })`) or a worker.
 *
 * Messages are those of the OpenTelemetry Collector's Kafka exporter: one trace each, OTLP in protobuf, the trace id as key.
 *
 * @throws LANGFUSE_MIDDLEWARE_INVALID_OPTION
 * @example
 * kafkaQueue({ brokers: ['localhost:9092'], topic: 'otlp_spans' })
 */
export function kafkaQueue(options: KafkaQueueOptions): MessageQueue {
  const config = resolveKafkaOptions(options)
  const address = createRedactor()(`kafka://${config.brokers.join(',')}/${config.topics.spans}`)
  const sender = (kind: MessageKind, publicKey: string) =>
    createQueueSender({
      kind,
      publicKey,
      address,
      secrets: [config.sasl?.password ?? ''],
      // Larger bodies would not be a single request to the broker, whose parts are accepted or refused apart.
      maxBodyBytes: config.maxMessageBytes,
      publisher: () => createKafkaPublisher(config),
      pack: body => (kind === 'spans' ? packSpans(config, body) : packScores(body)),
      resultOf: kafkaResult,
    })

  return {
    name: 'Kafka',
    address,
    partitionedByTrace: true,
    spans: ({ publicKey }) => sender('spans', publicKey),
    scores: ({ publicKey }) => sender('scores', publicKey),
    publisher: () => createKafkaPublisher(config),
    consumer: consumer => createKafkaConsumer(config, consumer),
  }
}

/** One message per trace; a trace that is larger than a message may be becomes several with the same key. */
async function packSpans(
  { maxMessageBytes }: KafkaConfig,
  body: Uint8Array,
): Promise<PackedMessage[] | undefined> {
  const messages: PackedMessage[] = []
  for (const { traceId, ...record } of splitByTrace(body)) {
    const pieces = await encodeInPieces('spans', record, piece =>
      piece.length <= maxMessageBytes ? { body: piece, key: traceId } : undefined,
    )
    if (pieces === undefined) return undefined
    messages.push(...pieces)
  }
  return messages
}

/** One message per trace, so that the scores of a trace keep their order. */
async function packScores(body: Uint8Array): Promise<PackedMessage[]> {
  const traces = new Map<string, Buffer[]>()
  for (const line of linesOf(body)) {
    const { traceId } = JSON.parse(line.toString('utf8')).body
    const lines = traces.get(traceId)
    if (lines === undefined) traces.set(traceId, [line])
    else lines.push(line)
  }
  return [...traces].map(([key, lines]) => ({ key, body: Buffer.concat(lines) }))
}
