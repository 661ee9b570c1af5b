import { randomBytes } from 'node:crypto'
import { createOutbox } from '@langfuse-middleware/delivery'
import { Redis } from 'ioredis'
import { type QueueEngine, startRedis, whyNoRedis } from '../../../scripts/engines/index.mjs'
import { createWorker } from '../src/index.ts'
import { redisQueue } from '../src/redis.ts'
import { booksOf, note } from './support/books.ts'
import { describeEngine } from './support/describe-engine.ts'
import { startFakeLangfuse } from './support/fake-langfuse.ts'
import { auditQueue } from './support/queue-audits.ts'
import { encoded, spanId, spansFrom } from './support/spans.ts'
import { until } from './support/until.ts'

const QUIET = { info: () => {}, warn: () => {}, error: () => {} }

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
      const client = new Redis(redis.url)
      const names = [`spans_${count}`, `scores_${count}`, `spans_${count}_dead_letters`]
      const entries = await Promise.all(names.map(name => client.xrange(name, '-', '+')))
      client.disconnect()
      return JSON.stringify(entries)
    },
    tooLarge: 0,
  }))

  it("sends and delivers with the app's own ioredis client, and leaves it open", async () => {
    const client = new Redis(redis.url)
    const langfuse = await startFakeLangfuse({ 'pk-lf-1': 'sk-lf-1' })
    const queue = redisQueue({ client, stream: 'own_client' })
    const sender = queue.spans({ publicKey: 'pk-lf-1' })
    const request = { signal: new AbortController().signal, spans: 5 }
    expect(await sender.send(encoded(spansFrom(1, 5)).body, request)).toEqual({ outcome: 'accepted' })
    await sender.close?.()
    expect(await client.xlen('own_client')).toBe(1)
    const worker = createWorker({
      queue,
      projects: [{ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1', baseUrl: langfuse.url }],
      monitoring: false,
      logger: QUIET,
    })
    await worker.start()
    await until(
      () => langfuse.accepted.size === 5,
      () => worker.stats(),
    )
    await worker.stop()
    expect(await client.xlen('own_client')).toBe(0)
    expect(client.status).toBe('ready')
    client.disconnect()
    await langfuse.close()
  })

  it('takes a Redis that is full for one that is away, and goes on once a worker has made room', async () => {
    const small = await startRedis({ maxMemory: '3mb' })
    const langfuse = await startFakeLangfuse({ 'pk-lf-1': 'sk-lf-1' })
    const queue = redisQueue({ url: small.url })
    const outbox = createOutbox({
      sender: queue.spans({ publicKey: 'pk-lf-1' }),
      name: 'Redis',
      logger: QUIET,
      intervalMs: 10,
      backoff: { initialMs: 50, maxMs: 200 },
      breaker: { coolDownMs: 200 },
    })
    const startWorker = async () => {
      const worker = createWorker({
        queue,
        projects: [{ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1', baseUrl: langfuse.url }],
        monitoring: false,
        logger: QUIET,
      })
      await worker.start()
      return worker
    }
    // The group has to be there before: a Redis that is full makes none.
    const first = await startWorker()
    await until(() => first.health().status === 'ok')
    await first.stop()
    let number = 0
    while (outbox.stats().breaker.state === 'closed' && number < 5_000) {
      const spans = spansFrom(number + 1, number + 20)
      for (const span of spans)
        span.attributes['langfuse.observation.output'] = randomBytes(1_500).toString('base64')
      outbox.export(spans, () => {})
      number += 20
      await outbox.flush({ timeoutMs: 100 })
    }
    expect(outbox.health().status).toBe('degraded')
    const worker = await startWorker()
    await until(
      () => outbox.stats().waiting === 0,
      () => [outbox.stats(), worker.stats()],
    )
    expect(await outbox.close()).toMatchObject({ dropped: 0 })
    const ids = Array.from({ length: number }, (_, index) => spanId(index + 1))
    await until(
      () => ids.every(id => langfuse.accepted.has(id)),
      () => worker.stats(),
    )
    expect(note('Redis: memory full', booksOf(ids, langfuse))).toMatchObject({ lost: 0 })
    await worker.stop()
    await langfuse.close()
    await small.stop()
  }, 120_000)
})
