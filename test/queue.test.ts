import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getTracing, initTracing, type TracingOptions } from '@langfuse-middleware/core'
import { langfuseMiddleware } from '@langfuse-middleware/express'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { createWorker, type Worker } from '@langfuse-middleware/queue'
import { redisQueue } from '@langfuse-middleware/queue/redis'
import express from 'express'
import { describeEngine } from '../packages/queue/test/support/describe-engine.ts'
import { type QueueEngine, startRedis, whyNoRedis } from '../scripts/engines/index.mjs'

const logger = { info: jest.fn(), warn: jest.fn(), error: jest.fn() }
const env = { ...process.env }

describeEngine('an app with a queue', whyNoRedis(), () => {
  let redis: QueueEngine
  let langfuse: Inspector
  let worker: Worker
  let server: Server | undefined

  beforeAll(async () => {
    redis = await startRedis()
    langfuse = await startInspector({ port: 0, settleMs: 20 })
    worker = createWorker({
      queue: redisQueue({ url: redis.url }),
      projects: [{ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1', baseUrl: langfuse.url }],
      monitoring: false,
      logger,
    })
    await worker.start()
  }, 120_000)

  afterEach(async () => {
    process.env = { ...env }
    await getTracing()?.shutdown({ timeoutMs: 500 })
    server?.close()
    langfuse.clear()
    jest.clearAllMocks()
  })

  afterAll(async () => {
    await worker?.stop()
    await langfuse?.close()
    await redis?.stop()
  })

  async function requestOf(options: TracingOptions): Promise<void> {
    const app = express()
    app.use(langfuseMiddleware({ logger, shutdown: { signals: false }, ...options }))
    app.get('/users/:id', (request, response) => {
      request.langfuse.setUser('ada')
      request.langfuse.score({ name: 'helpful', value: 1 })
      response.json({ id: request.params.id })
    })
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await fetch(`http://127.0.0.1:${port}/users/7`)
  }

  it('sends traces and scores through the queue of langfuseMiddleware({ queue }), with the public key alone', async () => {
    delete process.env.LANGFUSE_SECRET_KEY
    await requestOf({ queue: redisQueue({ url: redis.url }), publicKey: 'pk-lf-1' })
    const trace = await langfuse.waitForTrace(({ scores }) => scores.length === 1)
    expect(trace).toMatchObject({ name: 'GET /users/:id', userId: 'ada' })
    expect(trace.scores).toMatchObject([{ name: 'helpful', value: 1 }])
    expect(getTracing()!.stats().delivery.queue).toMatchObject({ accepted: 1, delivered: 1, waiting: 0 })
    expect(logger.info).toHaveBeenCalledWith(expect.stringContaining('tracing to the queue Redis as '))
  })

  it('sends them through the queue at LANGFUSE_QUEUE_URL', async () => {
    Object.assign(process.env, { LANGFUSE_QUEUE_URL: redis.url, LANGFUSE_PUBLIC_KEY: 'pk-lf-1' })
    await requestOf({})
    const trace = await langfuse.waitForTrace(({ name }) => name === 'GET /users/:id')
    expect(trace.userId).toBe('ada')
  })
})

describe('the option queue', () => {
  afterEach(async () => {
    process.env = { ...env }
    await getTracing()?.shutdown({ timeoutMs: 100 })
  })

  it.each([
    [{ queue: {} }, /queue must be kafkaQueue/],
    [
      {
        queue: redisQueue({ url: 'redis://127.0.0.1:1' }),
        exporter: { export() {}, shutdown: async () => {} },
      },
      /queue must be absent if `exporter` is set/,
    ],
  ])('refuses %j', (options, message) => {
    expect(() =>
      initTracing({ logger, publicKey: 'pk-lf-1', ...options } as unknown as TracingOptions),
    ).toThrow(message)
  })

  it('refuses a URL that leads to no queue, without its password', () => {
    process.env.LANGFUSE_QUEUE_URL = 'amqp://user:secret@host'
    const start = () => initTracing({ logger, publicKey: 'pk-lf-1' })
    expect(start).toThrow(/LANGFUSE_QUEUE_URL must be a URL that starts with kafka:/)
    expect(start).not.toThrow(/secret/)
  })

  it('names what is missing if there is no public key', () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('LANGFUSE_')) delete process.env[name]
    const tracing = initTracing({ logger, queue: redisQueue({ url: 'redis://127.0.0.1:1' }) })
    expect(tracing.enabled).toBe(false)
    expect(logger.error).toHaveBeenCalledWith(expect.stringContaining('LANGFUSE_PUBLIC_KEY not set'))
  })
})
