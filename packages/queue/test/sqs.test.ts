import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { startElasticMq, whyNoJvm } from '../../../scripts/engines/index.mjs'
import { sqsQueue } from '../src/sqs.ts'
import { describeEngine } from './support/describe-engine.ts'
import { auditQueue } from './support/queue-audits.ts'

const SUFFIXES = ['', '-scores', '-dead-letters']

describeEngine('a queue on SQS', whyNoJvm(), () => {
  let elasticMq: Awaited<ReturnType<typeof startElasticMq>>
  let client: SQSClient
  let count = 0
  const credentials = { accessKeyId: 'x', secretAccessKey: 'x' }
  const urlOf = (name: string) => `${elasticMq.endpoint}/000000000000/${name}`

  beforeAll(async () => {
    const names = Array.from({ length: 20 }, (_, index) => `spans${index + 1}`)
    elasticMq = await startElasticMq({ queues: names.flatMap(name => SUFFIXES.map(suffix => name + suffix)) })
    client = new SQSClient({ region: 'us-east-1', endpoint: elasticMq.endpoint, credentials })
    await client.send(new CreateQueueCommand({ QueueName: 'ready' }))
  }, 300_000)
  afterAll(async () => {
    client?.destroy()
    await elasticMq?.stop()
  })

  const queueOf = (name: string) =>
    sqsQueue({
      queueUrl: urlOf(name),
      endpoint: elasticMq.endpoint,
      region: 'us-east-1',
      credentials,
      visibilityTimeoutSeconds: 10,
    })

  auditQueue(() => ({
    async queue() {
      count += 1
      return queueOf(`spans${count}`)
    },
    refusing: async () => queueOf('no-such-queue'),
    // Its queues are in memory, unlike those of SQS: it stops answering instead of losing them.
    kill: async () => elasticMq.signal('SIGSTOP'),
    restart: async () => elasticMq.signal('SIGCONT'),
    async dump() {
      const answers = []
      for (const suffix of SUFFIXES) {
        const QueueUrl = urlOf(`spans${count}${suffix}`)
        const look = {
          QueueUrl,
          VisibilityTimeout: 0,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
        }
        answers.push((await client.send(new ReceiveMessageCommand(look))).Messages)
      }
      return JSON.stringify(answers)
    },
    tooLarge: 1_100_000 * 1.5,
  }))
})
