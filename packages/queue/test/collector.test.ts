import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Engine,
  freePort,
  type Kafka,
  startCollector,
  startKafka,
  whyNoCollector,
  whyNoJvm,
} from '../../../scripts/engines/index.mjs'
import { createWorker } from '../src/index.ts'
import { kafkaQueue } from '../src/kafka.ts'
import { booksOf, note } from './support/books.ts'
import { describeEngine } from './support/describe-engine.ts'
import { type FakeLangfuse, startFakeLangfuse } from './support/fake-langfuse.ts'
import { encoded, spanId, spansFrom } from './support/spans.ts'
import { until } from './support/until.ts'

const config = (name: string) => readFileSync(join(__dirname, '..', 'collector', name), 'utf8')
const QUIET = { info: () => {}, warn: () => {}, error: () => {} }

describeEngine('the OpenTelemetry Collector', whyNoJvm() ?? whyNoCollector(), () => {
  let kafka: Kafka
  let langfuse: FakeLangfuse
  const engines: Engine[] = []

  beforeAll(async () => {
    kafka = await startKafka()
    langfuse = await startFakeLangfuse({ 'pk-lf-1': 'sk-lf-1' })
  }, 300_000)
  afterAll(async () => {
    for (const engine of engines) await engine.stop()
    await langfuse?.close()
    await kafka?.stop()
  })

  const queue = () => kafkaQueue({ brokers: kafka.brokers, createTopics: { partitions: 2 } })

  it('reads what our senders write: as the worker, through a Langfuse that fails and its own death', async () => {
    const sender = queue().spans({ publicKey: 'pk-lf-1' })
    const put = async (from: number, to: number) => {
      const { body, spans } = encoded(spansFrom(from, to))
      const options = { signal: new AbortController().signal, spans }
      expect(await sender.send(body, options)).toEqual({ outcome: 'accepted' })
    }
    await put(1, 40)
    langfuse.answer = () => 503
    const health = await freePort()
    // A port that shows that it runs; as a worker it opens none.
    const text = `${config('worker.yaml').replace('receivers:\n', `receivers:\n  otlp: {protocols: {http: {endpoint: "127.0.0.1:${health}"}}}\n`).replace('receivers: [kafka]', 'receivers: [kafka, otlp]')}`
    const collector = await startCollector({
      config: text,
      port: health,
      env: {
        KAFKA_BROKERS: kafka.brokers[0]!,
        LANGFUSE_BASE_URL: langfuse.url,
        LANGFUSE_AUTH: Buffer.from('pk-lf-1:sk-lf-1').toString('base64'),
      },
    })
    engines.push(collector)
    await until(() => langfuse.requests.length > 0, collector.log)
    await collector.kill()
    langfuse.answer = () => undefined
    await collector.restart()
    await put(41, 60)
    const ids = spansFrom(1, 60).map((_, index) => spanId(index + 1))
    await until(() => ids.every(id => langfuse.accepted.has(id)), collector.log, 90_000)
    expect(note('Collector as the worker, killed -9', booksOf(ids, langfuse))).toMatchObject({ lost: 0 })
    await sender.close?.()
    await collector.kill()
  }, 420_000)

  it('writes what our worker reads: as the gateway of an app that only speaks OTLP', async () => {
    const port = await freePort()
    const gateway = await startCollector({
      config: config('gateway.yaml'),
      port,
      env: { KAFKA_BROKERS: kafka.brokers[0]!, OTLP_ENDPOINT: `127.0.0.1:${port}` },
    })
    engines.push(gateway)
    const worker = createWorker({
      queue: queue(),
      group: 'ours',
      projects: [{ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1', baseUrl: langfuse.url }],
      monitoring: false,
      logger: QUIET,
    })
    await worker.start()
    const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'x-langfuse-public-key': 'pk-lf-1' },
      body: Buffer.from(encoded(spansFrom(101, 140)).body),
    })
    expect(response.status).toBe(200)
    const ids = spansFrom(101, 140).map((_, index) => spanId(101 + index))
    await until(
      () => ids.every(id => langfuse.accepted.has(id)),
      () => [worker.stats(), gateway.log()],
    )
    expect(note('Collector as the gateway', booksOf(ids, langfuse))).toMatchObject({ lost: 0 })
    await worker.stop()
  }, 420_000)
})
