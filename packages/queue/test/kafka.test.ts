import { Consumer } from '@platformatic/kafka'
import { type Kafka, startKafka, whyNoJvm } from '../../../scripts/engines/index.mjs'
import { kafkaQueue } from '../src/kafka.ts'
import { describeEngine } from './support/describe-engine.ts'
import { auditQueue } from './support/queue-audits.ts'

describeEngine('a queue on Kafka', whyNoJvm(), () => {
  let kafka: Kafka
  let count = 0

  beforeAll(async () => {
    kafka = await startKafka()
  }, 300_000)
  afterAll(() => kafka?.stop())

  auditQueue(() => ({
    async queue() {
      count += 1
      return kafkaQueue({
        brokers: kafka.brokers,
        topic: `spans_${count}`,
        scoresTopic: `scores_${count}`,
        createTopics: { partitions: 2 },
      })
    },
    refusing: async () => kafkaQueue({ brokers: kafka.brokers, topic: 'no_such_topic' }),
    kill: () => kafka.kill(),
    restart: () => kafka.restart(),
    dump: () => dump(kafka.brokers, [`spans_${count}`, `scores_${count}`, `spans_${count}_dead_letters`]),
    tooLarge: 1_100_000,
  }))
})

/** Keys, headers and values of all messages. */
async function dump(brokers: string[], topics: string[]): Promise<string> {
  const consumer = new Consumer({
    clientId: 'dump',
    bootstrapBrokers: brokers,
    groupId: `dump-${Math.random()}`,
  })
  const ends = await consumer.listOffsets({ topics })
  let left = [...ends.values()].flat().reduce((total, end) => total + Number(end), 0)
  const stream = await consumer.consume({ topics, mode: 'earliest', maxWaitTime: 200 })
  const lines: string[] = []
  if (left > 0) {
    for await (const { key, headers, value } of stream) {
      lines.push(`${key} ${[...headers].map(String)} ${value}`)
      left -= 1
      if (left === 0) break
    }
  }
  await consumer.close(true)
  return lines.join('\n')
}
