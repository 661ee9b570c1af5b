import { type QueueEngine, startRedis, whyNoRedis } from '../../../scripts/engines/index.mjs'
import { redisQueue } from '../src/redis.ts'
import { describeEngine } from './support/describe-engine.ts'
import { auditQueue } from './support/queue-audits.ts'

describeEngine('a queue on Redis', whyNoRedis(), () => {
  let redis: QueueEngine
  let count = 0

  beforeAll(async () => {
    redis = await startRedis({ password: 'correct' })
  }, 120_000)
  afterAll(() => redis?.stop())

  const queueOn = (url: string) => {
    count += 1
    return redisQueue({ url, stream: `spans_${count}`, scoresStream: `scores_${count}`, claimAfterMs: 1_500 })
  }

  auditQueue(() => ({
    queue: async () => queueOn(redis.url),
    refusing: async () => queueOn(redis.url.replace('correct', 'wrong')),
    kill: () => redis.kill(),
    restart: () => redis.restart(),
    async dump() {
      const { Redis } = await import('ioredis')
      const client = new Redis(redis.url)
      const names = [`spans_${count}`, `scores_${count}`, `spans_${count}_dead_letters`]
      const entries = await Promise.all(names.map(name => client.xrange(name, '-', '+')))
      client.disconnect()
      return JSON.stringify(entries)
    },
    tooLarge: 0,
  }))
})
