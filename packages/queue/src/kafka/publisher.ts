import type { Producer } from '@platformatic/kafka'
import { attributesOf } from '../contract/attributes.ts'
import type { QueueMessage } from '../contract/message.ts'
import type { Publisher } from '../contract/message-queue.ts'
import { loadKafka, producerOptions } from './client.ts'
import type { KafkaConfig, KafkaProducer, KafkaRecord } from './options.ts'
import { createMissingTopics } from './topics.ts'

const ALL_REPLICAS = -1
const RECORD_OVERHEAD_BYTES = 64

/** Creates the publisher of a Kafka queue. It connects when it is first used. */
export function createKafkaPublisher(config: KafkaConfig): Publisher {
  let opening: Promise<KafkaProducer> | undefined
  let own: Producer | undefined
  let closed = false

  return {
    async publish(channel, messages) {
      const producer = await open()
      for (const batch of batchesOf(messages, config.maxMessageBytes)) {
        const records = batch.map(message => recordOf(config.topics[channel], message))
        await producer.send({ messages: records, acks: ALL_REPLICAS })
      }
    },
    async close() {
      closed = true
      await opening?.catch(() => {})
      await own?.close(true)
    },
  }

  function open(): Promise<KafkaProducer> {
    opening ??= connect().catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }

  async function connect(): Promise<KafkaProducer> {
    if (config.producer !== undefined) return config.producer
    await createMissingTopics(config)
    const kafka = await loadKafka()
    if (closed) throw new Error('the publisher is closed')
    own = new kafka.Producer<Buffer, Buffer, Buffer, Buffer>(producerOptions(config, kafka))
    return own as unknown as KafkaProducer
  }
}

/** Groups messages so that no request is larger than the broker allows for a batch. */
function* batchesOf(messages: readonly QueueMessage[], maxBytes: number): Generator<QueueMessage[]> {
  let batch: QueueMessage[] = []
  let bytes = 0
  for (const message of messages) {
    const size = message.body.length + RECORD_OVERHEAD_BYTES
    if (batch.length > 0 && bytes + size > maxBytes) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(message)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

function recordOf(topic: string, message: QueueMessage): KafkaRecord {
  const { body, key } = message
  const headers = attributesOf(message).map(
    ([name, value]) => [Buffer.from(name), Buffer.from(value)] as const,
  )
  const value = Buffer.from(body.buffer, body.byteOffset, body.length)
  return { topic, value, headers: new Map(headers), ...(key && { key: Buffer.from(key) }) }
}
