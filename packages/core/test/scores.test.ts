import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  currentRequest,
  getTracing,
  initTracing,
  type Score,
  scoreTrace,
  type TracingOptions,
  traceJob,
} from '@langfuse-middleware/core'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { recordTraces } from '@langfuse-middleware/testing'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const logger = { info: jest.fn(), warn: jest.fn(), error: jest.fn() }
let langfuse: Inspector

beforeEach(async () => {
  jest.clearAllMocks()
  langfuse = await startInspector({ port: 0, settleMs: 0 })
})
afterEach(async () => {
  await getTracing()?.shutdown({ timeoutMs: 200 })
  await langfuse.close()
})

function init(options: TracingOptions = {}) {
  return initTracing({
    logger,
    baseUrl: langfuse.url,
    publicKey: 'pk-lf-public',
    secretKey: 'sk-lf-secret',
    environment: 'staging',
    shutdown: { signals: false },
    ...options,
  })
}

/** The scores that the inspector has for a trace; it shows none without its spans. */
async function scoresOf(traceId: string) {
  return (await langfuse.waitForTrace(traceId)).scores
}

it('shows a score with the trace it judges', async () => {
  const tracing = init()
  const traceId = await traceJob('job', () => {
    const job = currentRequest()!
    job.score({ name: 'grounded', value: 0.5, comment: 'half of it', metadata: { judge: 'm' } })
    job.score({ name: 'tone', value: 'friendly' })
    job.score({ name: 'helpful', value: true })
    return job.traceId!
  })
  await tracing.flush()
  expect(await scoresOf(traceId)).toMatchObject([
    {
      name: 'grounded',
      value: 0.5,
      dataType: 'NUMERIC',
      comment: 'half of it',
      metadata: { judge: 'm' },
      environment: 'staging',
    },
    { name: 'tone', value: 'friendly', dataType: 'CATEGORICAL' },
    { name: 'helpful', value: 1, dataType: 'BOOLEAN' },
  ])
  expect(tracing.stats().scores).toMatchObject({ unfit: 0, droppedWithTrace: 0, delivery: { delivered: 3 } })
})

it('scores a trace of earlier, once for each id', async () => {
  const tracing = init()
  const traceId = await traceJob('job', () => currentRequest()!.traceId!)
  for (const value of [true, false]) {
    expect(scoreTrace(traceId.toUpperCase(), { id: 'feedback-1', name: 'helpful', value })).toBe(true)
  }
  await tracing.flush()
  expect(await scoresOf(traceId)).toMatchObject([{ id: 'feedback-1', value: 0 }])
})

it('sends no score of a trace that it drops, and counts it', async () => {
  const tracing = init({ sampling: { rate: 0 } })
  await traceJob('job', async () => {
    const job = currentRequest()!
    job.score({ name: 'grounded', value: 1 })
    // The verdict may be out by then.
    void job.waitUntil(Promise.resolve().then(() => job.score({ name: 'late', value: 1 })))
  })
  await tracing.flush()
  expect(tracing.stats().scores).toMatchObject({ droppedWithTrace: 2, delivery: { accepted: 0 } })
})

it('does nothing in a request that is not traced', async () => {
  const tracing = init({ sampling: { rate: 0, keepErrors: false } })
  await traceJob('job', () => currentRequest()!.score({ name: 'grounded', value: 1 }))
  expect(tracing.stats().scores).toMatchObject({ unfit: 0, droppedWithTrace: 0, delivery: { accepted: 0 } })
})

it('keeps a trace for its scores where sampling.keep says so', async () => {
  const tracing = init({ sampling: { rate: 0, keep: trace => trace.scores > 0 } })
  await traceJob('unscored', () => {})
  const traceId = await traceJob('scored', () => {
    currentRequest()!.score({ name: 'grounded', value: 0 })
    return currentRequest()!.traceId!
  })
  await tracing.flush()
  expect(await scoresOf(traceId)).toHaveLength(1)
  expect(langfuse.traces().map(trace => trace.name)).toEqual(['scored'])
})

it('takes a request that was scored for one in which something happened', async () => {
  const tracing = init({ emptyRequests: 'drop' })
  await traceJob('empty', () => {})
  await traceJob('scored', () => currentRequest()!.score({ name: 'grounded', value: 0 }))
  await tracing.flush()
  expect(langfuse.traces().map(trace => trace.name)).toEqual(['scored'])
})

it('sends a score that comes after its trace was kept', async () => {
  const tracing = init()
  const job = await traceJob('job', () => currentRequest()!)
  job.score({ name: 'grounded', value: 1 })
  await tracing.flush()
  expect(await scoresOf(job.traceId!)).toHaveLength(1)
})

it('says that a score may be of a trace that sampling dropped', async () => {
  init({ sampling: { rate: 0.5 } })
  const [sampled, unsampled] = [`${TRACE.slice(0, 19)}fffffffffffff`, `${TRACE.slice(0, 19)}0000000000000`]
  scoreTrace(sampled, { name: 'helpful', value: 1 })
  expect(logger.warn).not.toHaveBeenCalled()
  expect(scoreTrace(unsampled, { name: 'helpful', value: 1 })).toBe(true)
  scoreTrace(unsampled, { name: 'helpful', value: 1 })
  expect(logger.warn).toHaveBeenCalledTimes(1)
  expect(logger.warn.mock.calls[0][0]).toContain('sampling may have dropped')
})

const hostile: [string, unknown, string?][] = [
  ['no score', undefined],
  ['no name', { value: 1 }],
  ['a name that is not text', { name: { toString: () => 'x' }, value: 1 }],
  ['a name of blanks', { name: ' \0 ', value: 1 }],
  ['a value that is not a number', { name: 'a', value: Number.NaN }],
  ['a value without end', { name: 'a', value: Number.POSITIVE_INFINITY }],
  ['a value that is a list', { name: 'a', value: [1] }],
  ['a value that is null', { name: 'a', value: null }],
  ['a value that is too long', { name: 'a', value: 'x'.repeat(501) }],
  ['a type that the value is not of', { name: 'a', value: 0.5, dataType: 'BOOLEAN' }],
  ['metadata in a circle', { name: 'a', value: 1, metadata: circle() }],
  ['a comment that is not text', { name: 'a', value: 1, comment: 5 }],
  ['an id that is not text', { name: 'a', value: 1, id: {} }],
  ['an observation id that is none', { name: 'a', value: 1, observationId: 'x' }],
  [
    'a getter that throws',
    {
      name: 'a',
      value: 1,
      get comment(): string {
        throw new Error('boom')
      },
    },
  ],
  ['a trace id that is none', { name: 'a', value: 1 }, 'trace-1'],
  ['a trace id of zeros', { name: 'a', value: 1 }, '0'.repeat(32)],
]

it.each(hostile)('leaves out a score with %s, without throwing', async (_name, score, traceId = TRACE) => {
  const tracing = init()
  expect(scoreTrace(traceId, score as Score)).toBe(false)
  await traceJob('job', () => currentRequest()!.score((traceId === TRACE ? score : undefined) as Score))
  expect(tracing.stats().scores).toMatchObject({ unfit: 2, delivery: { accepted: 0 } })
  expect(logger.warn).toHaveBeenCalledTimes(1)
})

it('takes out what no database takes', async () => {
  const tracing = init()
  const traceId = await traceJob('job', () => currentRequest()!.traceId!)
  scoreTrace(traceId, { name: 'help\0ful', value: 1, comment: `a\u001b[2J\ud800b\n${'x'.repeat(10_000)}` })
  await tracing.flush()
  const [score] = await scoresOf(traceId)
  expect(score!.name).toBe('helpful')
  expect(score!.comment).toMatch(/^a\[2Jb\nx{4994}$/)
})

it('bounds the scores that wait for a verdict', async () => {
  const tracing = init()
  await traceJob('job', () => {
    for (let count = 0; count < 150; count++) currentRequest()!.score({ name: 'grounded', value: count })
  })
  await tracing.flush()
  expect(tracing.stats().scores).toMatchObject({ unfit: 50, delivery: { delivered: 100 } })
})

it('hands scores to an exporter that takes them, in the place of Langfuse', async () => {
  const recorder = recordTraces({ environment: 'staging' })
  await traceJob('job', () => currentRequest()!.score({ name: 'grounded', value: 1 }))
  const { id, scores } = await recorder.waitFor(trace => trace.scores.length > 0)
  expect(scores).toMatchObject([{ traceId: id, name: 'grounded', value: 1, environment: 'staging' }])
  await recorder.close()
})

it('goes on where such an exporter throws', async () => {
  const exporter = {
    export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    exportScore() {
      throw new Error('boom')
    },
    shutdown: async () => {},
  }
  const tracing = init({ exporter })
  expect(scoreTrace(TRACE, { name: 'helpful', value: 1 })).toBe(false)
  await traceJob('job', () => currentRequest()!.score({ name: 'grounded', value: 1 }))
  expect(tracing.stats().warnings['exportScore threw']).toBe(2)
})

it('does nothing where tracing is off, or observations do not go to Langfuse', async () => {
  expect(scoreTrace(TRACE, { name: 'helpful', value: 1 })).toBe(false)
  const tracing = init({ langfuse: false, mirrors: [{ url: 'http://127.0.0.1:9' }] })
  expect(scoreTrace(TRACE, { name: 'helpful', value: 1 })).toBe(false)
  expect(tracing.stats().scores).toMatchObject({ unfit: 0, delivery: undefined })
  expect(logger.warn.mock.calls[0][0]).toContain('do not go to Langfuse')
})

describe('when the process is killed', () => {
  const children: ChildProcess[] = []
  const directory = mkdtempSync(join(tmpdir(), 'scores-'))
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  })

  async function scorer(url: string, traceId?: string) {
    const child = fork(join(__dirname, 'fixtures/scorer.mjs'), traceId === undefined ? [] : [traceId], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: {
        PATH: process.env.PATH,
        SPOOL: directory,
        LANGFUSE_BASE_URL: url,
        LANGFUSE_PUBLIC_KEY: 'pk-lf',
        LANGFUSE_SECRET_KEY: 'sk-lf',
      },
    })
    children.push(child)
    const [stats] = await once(child, 'message')
    return { child, stats }
  }

  it('keeps its scores on disk for the next, which sends each once', async () => {
    const port = await freePort()
    const { child, stats } = await scorer(`http://127.0.0.1:${port}`, TRACE)
    expect(stats).toMatchObject({ accepted: 1, spooled: 1, waiting: 0 })
    child.kill('SIGKILL')
    await once(child, 'exit')

    const received: unknown[] = []
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      if (request.url === '/api/public/ingestion') {
        received.push(...JSON.parse(Buffer.concat(chunks).toString()).batch)
      }
      response.writeHead(207).end('{}')
    }).listen(port, '127.0.0.1')
    await scorer(`http://127.0.0.1:${port}`)
    while (received.length === 0) await new Promise(resolve => setTimeout(resolve, 10))
    server.close()
    server.closeAllConnections()
    expect(received).toMatchObject([
      { type: 'score-create', body: { traceId: TRACE, name: 'helpful', value: 1 } },
    ])
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function circle(): object {
  const circle: Record<string, unknown> = {}
  circle.circle = circle
  return circle
}
