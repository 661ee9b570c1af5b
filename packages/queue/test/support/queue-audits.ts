import { createOutbox, createScoreOutbox, type Sender } from '@langfuse-middleware/delivery'
import type { MessageQueue } from '../../src/contract/message-queue.ts'
import { createWorker, redriveDeadLetters, type Worker, type WorkerOptions } from '../../src/index.ts'
import { booksOf, note } from './books.ts'
import { type FakeLangfuse, startFakeLangfuse } from './fake-langfuse.ts'
import { encoded, scoreOf, spanId, spansFrom } from './spans.ts'
import { until } from './until.ts'

const KEYS = { 'pk-lf-one': 'sk-lf-one', 'pk-lf-two': 'sk-lf-two' }
const QUIET = { info: () => {}, warn: () => {}, error: () => {} }

/** An engine, and a way to get an empty queue on it. */
export interface AuditedEngine {
  /** Creates a queue of its own for each test. */
  queue(): Promise<MessageQueue>
  /** A queue whose destination does not exist, or that refuses the credentials. */
  refusing(): Promise<MessageQueue>
  kill(): Promise<void>
  restart(): Promise<void>
  /** Every message in the queue, as text. */
  dump(queue: MessageQueue): Promise<string>
  /** Largest span that fits into a message, and what is too large, in bytes of text that does not compress. */
  tooLarge: number
}

/** What every queue must do, whatever the engine. */
export function auditQueue(engine: () => AuditedEngine): void {
  let langfuse: FakeLangfuse
  let queue: MessageQueue
  let workers: Worker[]

  beforeEach(async () => {
    langfuse = await startFakeLangfuse(KEYS)
    queue = await engine().queue()
    workers = []
  })

  afterEach(async () => {
    langfuse.answer = () => undefined
    await Promise.all(workers.map(worker => worker.stop()))
    await langfuse.close()
  })

  async function startWorker(options: Partial<WorkerOptions> = {}): Promise<Worker> {
    const worker = createWorker({
      queue,
      projects: Object.entries(KEYS).map(([publicKey, secretKey]) => ({
        publicKey,
        secretKey,
        baseUrl: langfuse.url,
      })),
      monitoring: false,
      shutdownTimeoutMs: 3_000,
      refusedCoolDownMs: 500,
      logger: QUIET,
      ...options,
    })
    workers.push(worker)
    await worker.start()
    return worker
  }

  function send(sender: Sender, spans: ReturnType<typeof spansFrom>) {
    return sender.send(encoded(spans).body, { signal: new AbortController().signal, spans: spans.length })
  }

  async function put(from: number, to: number, publicKey = 'pk-lf-one', size = 100): Promise<string[]> {
    const sender = queue.spans({ publicKey })
    expect(await send(sender, spansFrom(from, to, { size }))).toEqual({ outcome: 'accepted' })
    await sender.close?.()
    return range(from, to).map(spanId)
  }

  it('carries spans and scores of two projects, each to its own, and keeps none of them', async () => {
    const one = await put(1, 40)
    const two = await put(41, 60, 'pk-lf-two')
    const scores = queue.scores({ publicKey: 'pk-lf-two' })
    const outbox = createScoreOutbox({ sender: scores, name: queue.name, logger: QUIET })
    outbox.add([scoreOf('a'), scoreOf('b', 2)])
    expect(await outbox.flush({ until: 'delivered' })).toMatchObject({ dropped: 0, waiting: 0 })
    await outbox.close()
    const dump = await engine().dump(queue)
    expect(dump).toContain('pk-lf-two')
    expect(dump).not.toContain('sk-lf')
    const worker = await startWorker()
    await until(
      () => langfuse.accepted.size === 62,
      () => worker.stats(),
    )
    const projectOf = (id: string) => langfuse.requests.find(({ ids }) => ids.includes(id))!.publicKey
    expect(new Set(one.map(projectOf))).toEqual(new Set(['pk-lf-one']))
    expect(new Set([...two, 'a', 'b'].map(projectOf))).toEqual(new Set(['pk-lf-two']))
    await until(
      async () => (await worker.stats()).lag === 0,
      () => worker.stats(),
    )
    await worker.stop()
    await startWorker()
    const before = langfuse.requests.length
    await put(61, 61)
    await until(() => langfuse.accepted.has(spanId(61)))
    expect(langfuse.requests.length).toBe(before + 1)
  })

  it('keeps a message until Langfuse has acknowledged it: a second worker delivers what the first could not', async () => {
    const ids = await put(1, 30)
    langfuse.answer = () => 503
    const first = await startWorker({ shutdownTimeoutMs: 200 })
    await until(() => langfuse.requests.length > 0)
    await first.stop()
    expect(langfuse.accepted.size).toBe(0)
    langfuse.answer = () => undefined
    await startWorker()
    await until(() => ids.every(id => langfuse.accepted.has(id)))
    expect(
      note(`${queue.name}: worker stopped while Langfuse is down`, booksOf(ids, langfuse)),
    ).toMatchObject({
      lost: 0,
    })
  })

  it('puts a poisoned span among good ones into the dead letters, with reason and origin, and back on demand', async () => {
    const poisoned = spanId(7)
    langfuse.answer = ({ ids }) => (ids.includes(poisoned) ? 400 : undefined)
    const ids = await put(1, 20)
    const worker = await startWorker()
    await until(
      () => worker.stats().deadLetters.malformed === 1,
      () => worker.stats(),
    )
    await until(() => langfuse.accepted.size === 19)
    expect(note(`${queue.name}: poisoned span among good ones`, booksOf(ids, langfuse, 1))).toMatchObject({
      delivered: 19,
      lost: 0,
    })
    await until(() => worker.stats().acknowledgedMessages === worker.stats().receivedMessages)
    const dump = await engine().dump(queue)
    expect(dump).toMatch(/x-langfuse-failure-reason.{0,80}400 Bad Request/s)
    expect(dump).toMatch(/x-langfuse-failure-origin.{0,200}@/s)
    langfuse.answer = () => undefined
    expect(
      await redriveDeadLetters({ queue, causes: ['too_large'], idleMs: 1_500, logger: QUIET }),
    ).toMatchObject({
      redriven: 0,
    })
    expect(await redriveDeadLetters({ queue, idleMs: 1_500, logger: QUIET })).toEqual({
      redriven: 1,
      skipped: 0,
    })
    await until(() => langfuse.accepted.has(poisoned))
    expect(langfuse.requests.at(-1)!.ids).toEqual([poisoned])
  })

  it('puts what it has no key for, and what is no request, into the dead letters', async () => {
    const publisher = queue.publisher()
    await publisher.publish('spans', [
      { kind: 'spans', body: encoded(spansFrom(1, 3)).body, publicKey: 'pk-lf-three' },
      { kind: 'spans', body: Buffer.from('<html>'), publicKey: 'pk-lf-one' },
    ])
    await publisher.publish('scores', [
      { kind: 'scores', body: Buffer.from('{"id":1}\n'), publicKey: 'pk-lf-one' },
    ])
    await publisher.close()
    const worker = await startWorker()
    await until(
      () => worker.stats().acknowledgedMessages === 3,
      () => worker.stats(),
    )
    expect(worker.stats().deadLetters).toMatchObject({ unknown_project: 3, undecodable: 2 })
    expect(langfuse.requests).toEqual([])
  })

  it('goes on trying while Langfuse refuses the keys, says so, and delivers once they are right', async () => {
    const ids = await put(1, 10)
    langfuse.answer = () => 401
    const worker = await startWorker()
    await until(() => worker.health().reasons.some(reason => /refuses what is sent: 401/.test(reason)))
    expect(worker.health().status).toBe('degraded')
    langfuse.answer = () => undefined
    await until(() => ids.every(id => langfuse.accepted.has(id)))
    expect(note(`${queue.name}: keys refused for a while`, booksOf(ids, langfuse))).toMatchObject({ lost: 0 })
    await until(
      () => worker.health().status === 'ok',
      () => worker.health(),
    )
  })

  it('waits as long as Retry-After says', async () => {
    const ids = await put(1, 5)
    let first: number | undefined
    langfuse.answer = ({ at }) => {
      if (first !== undefined) return undefined
      first = at
      return response => response.writeHead(429, { 'retry-after': '2' }).end()
    }
    await startWorker()
    await until(() => ids.every(id => langfuse.accepted.has(id)))
    expect(langfuse.requests).toHaveLength(2)
    expect(langfuse.requests[1]!.at - first!).toBeGreaterThanOrEqual(1_990)
  })

  it('loses nothing that was acknowledged while the engine is killed under load', async () => {
    const outbox = createOutbox({
      sender: queue.spans({ publicKey: 'pk-lf-one' }),
      name: queue.name,
      logger: QUIET,
      intervalMs: 20,
      lingerMs: 0,
      backoff: { initialMs: 100, maxMs: 500 },
      breaker: { coolDownMs: 300 },
    })
    const worker = await startWorker()
    let number = 0
    const feed = setInterval(() => {
      outbox.export(spansFrom(number + 1, number + 20), () => {})
      number += 20
    }, 20)
    await until(
      () => langfuse.accepted.size > 200,
      () => worker.stats(),
    )
    await engine().kill()
    const before = number
    await until(() => number > before + 500)
    await engine().restart()
    await until(() => outbox.stats().breaker.state === 'closed')
    clearInterval(feed)
    expect(await outbox.close({ timeoutMs: 40_000, until: 'delivered' })).toMatchObject({ dropped: 0 })
    const ids = range(1, number).map(spanId)
    await until(
      () => ids.every(id => langfuse.accepted.has(id)),
      () => ({ ...worker.stats(), accepted: langfuse.accepted.size, number }),
    )
    expect(note(`${queue.name}: engine killed under load`, booksOf(ids, langfuse))).toMatchObject({ lost: 0 })
  })

  it('reports a destination that does not exist as refused, which stops sending and keeps the data', async () => {
    const refusing = await engine().refusing()
    const sender = refusing.spans({ publicKey: 'pk-lf-one' })
    const result = await send(sender, spansFrom(1, 1))
    expect(result).toMatchObject({ outcome: 'refused', reason: expect.any(String) })
    expect(result.reason).not.toContain('sk-lf')
    await sender.close?.()
  })

  it('cuts the texts of a span that no message can hold, and sends it with its neighbours', async () => {
    const sender = queue.spans({ publicKey: 'pk-lf-one' })
    const large = spansFrom(2, 2)
    large[0]!.attributes['langfuse.observation.input'] = incompressible(engine().tooLarge)
    const outbox = createOutbox({ sender, name: queue.name, logger: QUIET })
    outbox.export([...spansFrom(1, 1), ...large, ...spansFrom(3, 3)], () => {})
    const result = await outbox.close({ until: 'delivered' })
    expect(result).toMatchObject({ delivered: 3, dropped: 0 })
    await startWorker()
    await until(() => [1, 2, 3].every(number => langfuse.accepted.has(spanId(number))))
  })
}

/** The numbers from `from` to `to`, both included. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function incompressible(length: number): string {
  let text = ''
  for (let index = 0; text.length < length; index++) text += Math.sin(index).toString(36).slice(2)
  return text.slice(0, length)
}
