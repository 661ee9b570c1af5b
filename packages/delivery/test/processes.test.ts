import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { range } from './support/numbered-spans.ts'
import { accept, answer, type Behaviour, type OtlpServer, startOtlpServer } from './support/otlp-server.ts'
import { until } from './support/until.ts'

interface Producer {
  process: ChildProcess
  /** The highest number of which everything before is safe. */
  safe: number
  adopted: number
  closed: Record<string, number> | undefined
  exit: Promise<unknown>
}

let server: OtlpServer
let directory: string
let producers: Producer[] = []

beforeEach(async () => {
  server = await startOtlpServer()
  directory = mkdtempSync(join(tmpdir(), 'spool-'))
})
afterEach(async () => {
  for (const producer of producers) producer.process.kill('SIGKILL')
  await Promise.all(producers.map(producer => producer.exit))
  producers = []
  await server.close()
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
})

function produce(options: Record<string, unknown>): Producer {
  const fixture = join(__dirname, 'fixtures/producer.mjs')
  const child = spawn(
    process.execPath,
    [fixture, JSON.stringify({ url: server.url, directory, ...options })],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const producer: Producer = {
    process: child,
    safe: 0,
    adopted: 0,
    closed: undefined,
    exit: once(child, 'exit'),
  }
  createInterface({ input: child.stdout! }).on('line', line => {
    const [word, ...rest] = line.split(' ')
    if (word === 'safe') producer.safe = Number(rest[0])
    if (word === 'adopted') producer.adopted = Number(rest[0])
    if (word === 'closed') producer.closed = JSON.parse(rest.join(' '))
  })
  producers.push(producer)
  return producer
}

function missing(from: number, to: number): number[] {
  const received = new Set(server.received)
  return range(from, to).filter(number => !received.has(number))
}

describe('processes', () => {
  it('killed under load lose nothing that was on disk, and the next sends it', async () => {
    let requests = 0
    // Some accepted, some not, so that the kill comes between acknowledgements as well.
    const now: Behaviour = (...all) => {
      requests += 1
      return requests % 3 === 0 ? accept(...all) : answer(503)(...all)
    }
    for (const from of [1, 100_000, 200_000]) {
      server.behave = now
      const killed = produce({ from })
      await until(() => killed.safe >= from + 200)
      killed.process.kill('SIGKILL')
      await killed.exit
      server.behave = accept
      const next = produce({ from: from + 50_000, count: 20 })
      await until(() => missing(from, killed.safe).length === 0)
      next.process.kill('SIGTERM')
      await next.exit
    }
    expect(server.repeatsDiffer).toBe(false)
  })

  it('take over from one that was killed beside them, while they go on themselves', async () => {
    server.behave = answer(503)
    const killed = produce({ from: 1 })
    const survivor = produce({ from: 1_000_000 })
    await until(() => killed.safe > 200 && survivor.safe > 1_000_200)
    killed.process.kill('SIGKILL')
    await killed.exit
    server.behave = accept
    await until(() => missing(1, killed.safe).length === 0)
    const reached = survivor.safe
    await until(() => survivor.safe > reached && missing(1_000_000, reached).length === 0)
    expect(survivor.adopted).toBeGreaterThanOrEqual(killed.safe)
  })

  it('told to end under load deliver or keep everything, and end', async () => {
    const producer = produce({ from: 1 })
    await until(() => producer.safe > 200)
    producer.process.kill('SIGTERM')
    await producer.exit
    expect(producer.process.exitCode).toBe(0)
    expect(producer.closed).toMatchObject({ dropped: 0, waiting: 0 })
    if (producer.closed!.spooled === 0) expect(missing(1, producer.safe)).toEqual([])
  })

  it('told to end in an outage keep everything on disk', async () => {
    server.behave = () => undefined
    const producer = produce({ from: 1 })
    await until(() => producer.safe > 200)
    producer.process.kill('SIGTERM')
    await producer.exit
    expect(producer.closed).toMatchObject({ delivered: 0, dropped: 0, waiting: 0 })
    expect(producer.closed!.spooled).toBeGreaterThanOrEqual(producer.safe)
    expect(readdirSync(directory, { recursive: true }).some(name => String(name).includes('released-'))).toBe(
      true,
    )
  })

  it('are not kept from ending by an outbox that nobody closed', async () => {
    const producer = produce({ from: 1, count: 100, directory: undefined })
    await producer.exit
    expect(producer.process.exitCode).toBe(0)
    expect(missing(1, 100)).toEqual([])
  })
})
