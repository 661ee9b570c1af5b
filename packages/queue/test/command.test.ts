import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type QueueEngine, startRedis, whyNoRedis } from '../../../scripts/engines/index.mjs'
import { redisQueue } from '../src/redis.ts'
import { describeEngine } from './support/describe-engine.ts'
import { type FakeLangfuse, startFakeLangfuse } from './support/fake-langfuse.ts'
import { encoded, spanId, spansFrom } from './support/spans.ts'
import { until } from './support/until.ts'
import { runWorker, type WorkerProcess } from './support/worker-process.ts'

const CLI = join(__dirname, '..', 'dist', 'cli.mjs')

describeEngine('the command', whyNoRedis(), () => {
  let redis: QueueEngine
  let langfuse: FakeLangfuse
  let workers: WorkerProcess[] = []
  let stream = ''

  beforeAll(async () => {
    redis = await startRedis()
  }, 120_000)
  afterAll(() => redis?.stop())

  beforeEach(async () => {
    langfuse = await startFakeLangfuse({ 'pk-lf-1': 'sk-lf-1' })
    stream = `spans_${Math.random().toString(36).slice(2)}`
    workers = []
  })
  afterEach(async () => {
    await Promise.all(
      workers.filter(({ child }) => child.exitCode === null).map(worker => worker.end('SIGKILL')),
    )
    await langfuse.close()
  })

  async function put(from: number, to: number): Promise<void> {
    const sender = redisQueue({ url: redis.url, stream }).spans({ publicKey: 'pk-lf-1' })
    for (let number = from; number <= to; number++) {
      const result = await sender.send(encoded(spansFrom(number, number)).body, {
        signal: new AbortController().signal,
        spans: 1,
      })
      expect(result.outcome).toBe('accepted')
    }
    await sender.close?.()
  }

  function start(args: string[] = []): WorkerProcess {
    const worker = runWorker(
      {
        LANGFUSE_QUEUE_URL: `${redis.url}?stream=${stream}&claimAfterMs=1000`,
        LANGFUSE_PUBLIC_KEY: 'pk-lf-1',
        LANGFUSE_SECRET_KEY: 'sk-lf-1',
        LANGFUSE_BASE_URL: langfuse.url,
      },
      args,
    )
    workers.push(worker)
    return worker
  }

  const delivered = (from: number, to: number) => () =>
    spansFrom(from, to).every(span => langfuse.accepted.has(span.spanContext().spanId))

  it('serves health and metrics, and on SIGTERM delivers what it has read before it exits with 0', async () => {
    const worker = start()
    await put(1, 5)
    await until(delivered(1, 5), worker.output)
    await until(async () => (await fetch(`${worker.url()}/readyz`)).status === 200, worker.output)
    const health = await (await fetch(`${worker.url()}/healthz`)).json()
    expect(health).toMatchObject({ status: 'ok', reasons: [] })
    await until(async () => {
      const metrics = await (await fetch(`${worker.url()}/metrics`)).text()
      return (
        /langfuse_worker_delivered_items_total\{project="Langfuse",kind="spans"[^}]*\} 5$/m.test(metrics) &&
        /^langfuse_worker_lag_messages\{[^}]*\} 0$/m.test(metrics)
      )
    })
    let release!: () => void
    const held = new Promise<void>(resolve => (release = resolve))
    langfuse.answer = () => response => void held.then(() => response.writeHead(503).end())
    await put(6, 6)
    await until(() => langfuse.requests.at(-1)?.ids[0] === spanId(6))
    const ended = worker.end('SIGTERM')
    langfuse.answer = () => undefined
    release()
    expect(await ended).toBe(0)
    expect(langfuse.accepted.get(spanId(6))).toBe(1)
    expect(worker.output()).toMatch(/stopped: 6 messages delivered, all acknowledged/)
    const before = langfuse.requests.length
    const next = start()
    await put(7, 7)
    await until(delivered(7, 7), next.output)
    expect(langfuse.requests.length).toBe(before + 1)
  })

  it('leaves what a worker that was killed had read to another worker', async () => {
    langfuse.answer = () => response => response.destroy()
    const first = start()
    await put(1, 20)
    await until(() => langfuse.requests.length > 0, first.output)
    await first.end('SIGKILL')
    langfuse.answer = () => undefined
    const second = start()
    await until(delivered(1, 20), second.output)
  })

  it('keeps to the rate limit', async () => {
    await put(1, 10)
    const worker = start(['--max-requests-per-second', '2', '--max-batch-bytes', '1024'])
    await until(delivered(1, 10), worker.output)
    const times = langfuse.requests.map(({ at }) => at)
    expect(times.length).toBeGreaterThan(3)
    expect(times.at(-1)! - times[0]!).toBeGreaterThanOrEqual((times.length - 1) * 490)
  })

  it('runs the examples of its README', async () => {
    const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8')
    const [inApp, program] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code)
    const code = `
      import express from 'express'
      const app = express()
      ${inApp}
      app.get('/', (request, response) => response.json({}))
      const server = app.listen(0, '127.0.0.1', async () => {
        await fetch('http://127.0.0.1:' + server.address().port)
        const { createWorker } = await import('@langfuse-middleware/queue')
        ${program?.replace(/^import .*$/gm, '')}
        const { getTracing } = await import('@langfuse-middleware/core')
        await getTracing().shutdown({ server })
        while (worker.stats().projects.Langfuse.spans.delivered < 1) await new Promise(resolve => setTimeout(resolve, 20))
        await worker.stop()
        console.log('delivered')
      })`
    // Not the synchronous kind: the server that it sends to runs here.
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', code],
      {
        cwd: join(__dirname, '..'),
        timeout: 50_000,
        env: {
          PATH: process.env.PATH,
          REDIS_URL: redis.url,
          LANGFUSE_BASE_URL: langfuse.url,
          LANGFUSE_PUBLIC_KEY: 'pk-lf-1',
        },
      },
    )
    expect(`${stdout}${stderr}`).toMatch(/^delivered$/m)
  })
})

describe('the command without what it needs', () => {
  const output = (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...env },
    })
    return { status, text: stdout + stderr }
  }

  it('prints help and version', () => {
    expect(output(['--help'])).toMatchObject({ status: 0, text: expect.stringContaining('redrive') })
    expect(output(['--version'])).toMatchObject({ status: 0, text: expect.stringMatching(/^\d+\.\d+\.\d+/) })
  })

  it('says what is missing, and exits with 1', () => {
    expect(output([])).toMatchObject({ status: 1, text: expect.stringMatching(/LANGFUSE_QUEUE_URL must be/) })
    expect(output([], { LANGFUSE_QUEUE_URL: 'redis://127.0.0.1:1' })).toMatchObject({
      status: 1,
      text: expect.stringMatching(
        /LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, or LANGFUSE_QUEUE_PROJECTS must be set/,
      ),
    })
  })
})
