import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createLangfuseScoreSender,
  createScoreOutbox,
  type ItemOutbox,
  type ScoreEvent,
  type ScoreOutboxOptions,
} from '../src/index.ts'
import { type IngestionServer, startIngestionServer } from './support/ingestion-server.ts'
import { until } from './support/until.ts'

const KEYS = { publicKey: 'pk-lf-1', secretKey: 'sk-lf-secret' }
const TRACE = '0af7651916cd43dd8448eb211c80319c'

let server: IngestionServer
let outbox: ItemOutbox<ScoreEvent>
let lines: string[]

beforeEach(async () => {
  lines = []
  server = await startIngestionServer()
})
afterEach(async () => {
  await outbox.close({ timeoutMs: 100 })
  await server.close().catch(() => undefined)
})

function start(options: Partial<ScoreOutboxOptions> = {}): void {
  const log = (line: string) => lines.push(line)
  outbox = createScoreOutbox({
    sender: createLangfuseScoreSender({ ...KEYS, baseUrl: server.url }),
    logger: { info: log, warn: log, error: log },
    backoff: { initialMs: 5, maxMs: 20 },
    lingerMs: 0,
    intervalMs: 5,
    ...options,
  })
}

function score(name: string, value: number | string = 1): ScoreEvent {
  const timestamp = new Date().toISOString()
  return {
    id: crypto.randomUUID(),
    timestamp,
    type: 'score-create',
    body: { id: `${TRACE}-${name}`, traceId: TRACE, name, value },
  }
}

const names = () => server.taken.map(event => event.body.name)

it('sends scores as one batch of events, with the keys', async () => {
  start({ minBatchSpans: 100, intervalMs: 60_000 })
  outbox.add([score('helpful'), score('tone', 'a "warm"\none')])
  expect(await outbox.flush({ until: 'delivered' })).toMatchObject({ delivered: 2, dropped: 0, waiting: 0 })
  expect(server.requests).toEqual([['helpful', 'tone']])
  expect(server.taken[1]!.body.value).toBe('a "warm"\none')
  expect(server.headers).toMatchObject({
    authorization: `Basic ${Buffer.from(`${KEYS.publicKey}:${KEYS.secretKey}`).toString('base64')}`,
    'content-type': 'application/json',
  })
})

it('delivers each score once, in order, after an outage', async () => {
  start({ breaker: { failures: 2, coolDownMs: 20 } })
  const { url } = server
  await server.close()
  for (let number = 0; number < 50; number++) outbox.add([score(`score-${number}`)])
  await until(() => outbox.stats().breaker.openings > 0)
  expect(outbox.health().status).toBe('degraded')
  server = await startIngestionServer(Number(new URL(url).port))
  await until(() => outbox.stats().delivered === 50)
  expect(names()).toEqual(Array.from({ length: 50 }, (_, number) => `score-${number}`))
  expect(outbox.stats()).toMatchObject({ accepted: 50, delivered: 50, dropped: { total: 0 } })
  expect(lines.join()).toContain('scores waiting in memory')
})

it('counts the one score that Langfuse does not take, and delivers those beside it', async () => {
  start()
  server.statusOf = event => (event.body.name === 'bad' ? 400 : 201)
  outbox.add([score('one'), score('bad'), score('two')])
  expect(await outbox.flush({ until: 'delivered' })).toMatchObject({ delivered: 2, dropped: 1 })
  expect(names()).toEqual(['one', 'two'])
  expect(server.requests).toHaveLength(1)
  expect(outbox.stats().dropped).toMatchObject({ rejected: 1, total: 1 })
  expect(lines.join()).toContain('Langfuse rejected 1 score of a request: 400: not this one')
})

it('sends a score again that Langfuse could not keep', async () => {
  start()
  server.statusOf = event => (event.body.name === 'unlucky' && server.requests.length < 3 ? 500 : 201)
  outbox.add([score('lucky'), score('unlucky')])
  expect(await outbox.flush({ until: 'delivered' })).toMatchObject({ delivered: 2, dropped: 0 })
  expect(new Set(names())).toEqual(new Set(['lucky', 'unlucky']))
  expect(new Set(server.taken.map(event => event.body.id)).size).toBe(2)
})

it('sends again what was too much at once', async () => {
  start()
  server.answer = (response, request) => {
    if (request === 1) response.writeHead(429, { 'retry-after': '0' }).end()
    return request === 1
  }
  outbox.add([score('helpful')])
  await until(() => outbox.stats().delivered === 1)
  expect(outbox.stats()).toMatchObject({ retries: 1, breaker: { openings: 0 }, dropped: { total: 0 } })
})

it('keeps scores while the keys are refused, and says so', async () => {
  start({ refusedCoolDownMs: 20 })
  let refusing = true
  server.answer = response => {
    if (refusing) response.writeHead(401).end()
    return refusing
  }
  outbox.add([score('helpful')])
  await until(() => lines.length > 0)
  expect(lines[0]).toContain('Langfuse refuses what is sent (401 Unauthorized): 1 score waiting in memory')
  refusing = false
  await outbox.flush({ until: 'delivered' })
  expect(names()).toEqual(['helpful'])
})

it('cuts a batch in two that is too large, at scores', async () => {
  start()
  server.answer = response => {
    const tooLarge = server.requests.at(-1)!.length > 1
    if (tooLarge) response.writeHead(413).end()
    return tooLarge
  }
  outbox.add([score('one'), score('two', 'ä\n{},'), score('three')])
  await outbox.flush({ until: 'delivered' })
  expect(names().sort()).toEqual(['one', 'three', 'two'])
})

it('names the score that Langfuse calls malformed', async () => {
  start()
  server.answer = response => {
    const malformed = server.requests.at(-1)!.includes('bad')
    if (malformed) response.writeHead(400).end()
    return malformed
  }
  outbox.add([score('good'), score('bad')])
  await outbox.flush({ until: 'delivered' })
  expect(names()).toEqual(['good'])
  expect(lines[0]).toBe(`Langfuse called score "bad" of trace ${TRACE} malformed: 400 Bad Request`)
})

it('drops and counts the oldest where memory is full', async () => {
  start({ maxBytes: 64 * 1024, intervalMs: 60_000, minBatchSpans: 100_000 })
  const comment = 'x'.repeat(1000)
  for (let number = 0; number < 200; number++) {
    const event = score(`score-${number}`)
    outbox.add([{ ...event, body: { ...event.body, comment } }])
  }
  const { dropped, waiting, memoryBytes } = outbox.stats()
  expect(memoryBytes).toBeLessThanOrEqual(64 * 1024)
  expect(dropped.memory_full).toBeGreaterThan(0)
  expect(dropped.memory_full + waiting).toBe(200)
})

it('takes no more once it is closed', async () => {
  start()
  await outbox.close()
  expect(outbox.add([score('late')])).toBe(false)
  expect(outbox.stats()).toMatchObject({ accepted: 1, dropped: { closed: 1 } })
})

describe('with a spool', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'scores-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('leaves scores to the next process, in a directory that spans do not share', async () => {
    start({ spool: { directory } })
    const { url } = server
    await server.close()
    outbox.add([score('helpful'), score('tone')])
    expect(await outbox.close({ timeoutMs: 500 })).toMatchObject({ spooled: 2, dropped: 0 })
    expect(readdirSync(directory)).toHaveLength(1)

    server = await startIngestionServer(Number(new URL(url).port))
    start({ spool: { directory } })
    await until(() => outbox.stats().delivered === 2)
    expect(names()).toEqual(['helpful', 'tone'])
    expect(outbox.stats()).toMatchObject({ adopted: 2, accepted: 0 })
  })
})
