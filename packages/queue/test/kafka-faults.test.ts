import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOutbox } from '@langfuse-middleware/delivery'
import { type Kafka, startKafka, whyNoJvm } from '../../../scripts/engines/index.mjs'
import { kafkaQueue } from '../src/kafka.ts'
import { booksOf, note } from './support/books.ts'
import { describeEngine } from './support/describe-engine.ts'
import { type FakeLangfuse, startFakeLangfuse } from './support/fake-langfuse.ts'
import { encoded, spanId, spanOf, spansFrom } from './support/spans.ts'
import { until } from './support/until.ts'
import { runWorker, type WorkerProcess } from './support/worker-process.ts'

const QUIET = { info: () => {}, warn: () => {}, error: () => {} }

describeEngine('workers on Kafka', whyNoJvm(), () => {
  let kafka: Kafka
  let langfuse: FakeLangfuse
  let directory: string
  let topic = ''
  let workers: WorkerProcess[] = []

  beforeAll(async () => {
    kafka = await startKafka()
  }, 300_000)
  afterAll(() => kafka?.stop())

  beforeEach(async () => {
    langfuse = await startFakeLangfuse({ 'pk-lf-1': 'sk-lf-1' })
    directory = mkdtempSync(join(tmpdir(), 'worker-'))
    topic = `spans_${Math.random().toString(36).slice(2)}`
    workers = []
  })
  afterEach(async () => {
    await Promise.all(
      workers.filter(({ child }) => child.exitCode === null).map(worker => worker.end('SIGKILL')),
    )
    await langfuse.close()
    rmSync(directory, { recursive: true })
  })

  const queue = () => kafkaQueue({ brokers: kafka.brokers, topic, createTopics: { partitions: 4 } })

  function start(args: string[] = []): WorkerProcess {
    const worker = runWorker(
      {
        LANGFUSE_QUEUE_URL: `${kafka.url}/${topic}?partitions=4`,
        LANGFUSE_PUBLIC_KEY: 'pk-lf-1',
        LANGFUSE_SECRET_KEY: 'sk-lf-1',
        LANGFUSE_BASE_URL: langfuse.url,
      },
      args,
    )
    workers.push(worker)
    return worker
  }

  /** An app that sends `perTick` spans every 20 ms. */
  function load(perTick = 8) {
    const outbox = createOutbox({
      sender: queue().spans({ publicKey: 'pk-lf-1' }),
      name: 'Kafka',
      logger: QUIET,
      intervalMs: 20,
      lingerMs: 0,
    })
    let number = 0
    const timer = setInterval(() => {
      outbox.export(spansFrom(number + 1, number + perTick), () => {})
      number += perTick
    }, 20)
    return {
      async stop(): Promise<string[]> {
        clearInterval(timer)
        expect(await outbox.close({ timeoutMs: 20_000, until: 'delivered' })).toMatchObject({ dropped: 0 })
        return Array.from({ length: number }, (_, index) => spanId(index + 1))
      },
    }
  }

  const all = (ids: string[]) => () => ids.every(id => langfuse.accepted.has(id))
  const printed = () => workers.map(({ output }) => output())

  it('share the partitions, and take over those of one that is killed -9', async () => {
    const app = load()
    const first = start()
    await until(() => langfuse.accepted.size > 50, printed)
    const second = start()
    const requestsOf = async (worker: WorkerProcess) => {
      if (worker.url() === undefined) return 0
      const metrics = await (await fetch(`${worker.url()}/metrics`)).text()
      return Number(/^langfuse_worker_received_messages_total\{[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0)
    }
    await until(async () => (await requestsOf(second)) > 20, printed)
    await first.end('SIGKILL')
    const ids = await app.stop()
    await until(all(ids), printed, 60_000)
    expect(
      note('Kafka: a second worker joins, the first is killed -9', booksOf(ids, langfuse)),
    ).toMatchObject({ lost: 0 })
  }, 120_000)

  it('wait out a Langfuse that is down, then throttles, then fails', async () => {
    const app = load()
    start()
    await until(() => langfuse.accepted.size > 50, printed)
    const answers = [
      ...Array.from({ length: 3 }, () => 503),
      (response: import('node:http').ServerResponse) =>
        void response.writeHead(429, { 'retry-after': '1' }).end(),
      500,
      500,
    ]
    langfuse.answer = () => answers.shift()
    await until(() => answers.length === 0, printed, 90_000)
    const ids = await app.stop()
    await until(all(ids), printed, 90_000)
    expect(note('Kafka: Langfuse down, then 429, then 500', booksOf(ids, langfuse))).toMatchObject({
      deadLettered: 0,
      lost: 0,
    })
  }, 180_000)

  it('sample whole traces by what failed in any service, across a kill -9', async () => {
    const flags = [
      '--tail-sampling-rate',
      '0',
      '--tail-sampling-quiet-ms',
      '1500',
      '--tail-sampling-directory',
      directory,
    ]
    const sender = queue().spans({ publicKey: 'pk-lf-1' })
    const put = async (spans: ReturnType<typeof spanOf>[]) =>
      expect(
        await sender.send(encoded(spans).body, { signal: new AbortController().signal, spans: spans.length }),
      ).toEqual({ outcome: 'accepted' })
    const traces = Array.from({ length: 60 }, (_, index) => index + 1)
    await put(traces.map(trace => spanOf({ number: trace, trace, service: 'shop' })))
    const first = start(flags)
    await until(async () => {
      if (first.url() === undefined) return false
      const metrics = await (await fetch(`${first.url()}/metrics`)).text()
      return /^langfuse_worker_received_messages_total\{[^}]*\} 60/m.test(metrics)
    }, printed)
    await first.end('SIGKILL')
    const failing = traces.filter(trace => trace % 3 === 0)
    await put(
      traces.map(trace =>
        spanOf({ number: 100 + trace, trace, service: 'advisor', failed: trace % 3 === 0 }),
      ),
    )
    start(flags)
    const wanted = failing.flatMap(trace => [spanId(trace), spanId(100 + trace)])
    await until(all(wanted), printed, 60_000)
    await put(failing.map(trace => spanOf({ number: 200 + trace, trace, service: 'late' })))
    const late = failing.map(trace => spanId(200 + trace))
    await until(all(late), printed)
    expect(new Set(langfuse.accepted.keys())).toEqual(new Set([...wanted, ...late]))
    expect(note('Kafka: tail sampling, killed -9', booksOf([...wanted, ...late], langfuse))).toMatchObject({
      lost: 0,
    })
    await sender.close?.()
  }, 120_000)

  it('are not confused by an app whose clock is wrong by days', async () => {
    const now = jest.spyOn(Date, 'now')
    const sender = queue().spans({ publicKey: 'pk-lf-1' })
    for (const [number, days] of [
      [1, 30],
      [2, -30],
    ] as const) {
      const real = performance.timeOrigin + performance.now()
      now.mockImplementation(() => Math.round(real + days * 86_400_000))
      const options = { signal: new AbortController().signal, spans: 1 }
      expect(await sender.send(encoded(spansFrom(number, number)).body, options)).toEqual({
        outcome: 'accepted',
      })
    }
    now.mockRestore()
    await sender.close?.()
    start()
    const ids = [spanId(1), spanId(2)]
    await until(all(ids), printed)
    expect(note('Kafka: clocks wrong by 30 days', booksOf(ids, langfuse))).toMatchObject({ lost: 0 })
  })
})
