import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'

/**
 * What tracing may add to a hello request, on average: a cost that does not depend on the machine. What one flush of all of them takes is
 * in it, hence the fractions. Lower a bound when its figure has got lower; raise one only with a reason.
 */
const BOUNDS = {
  // Spans made by OpenTelemetry's SDK, and calls of their setAttributes.
  'sdk spans': { express: 0, fastify: 0 },
  'attribute writes': { express: 0, fastify: 0 },
  // Promises made, timers and immediates started, calls of process.nextTick, contexts entered (AsyncLocalStorage.run).
  promises: { express: 0.2, fastify: 0.2 },
  timers: { express: 0.1, fastify: 0.1 },
  ticks: { express: 0.1, fastify: 0.1 },
  contexts: { express: 2.1, fastify: 1.1 },
  // Listeners put on the request, its response and their socket.
  listeners: { express: 2.1, fastify: 2.1 },
  // Calls of JSON.stringify and crypto.randomUUID: trace, root and request have an id.
  serialisations: { express: 2, fastify: 2 },
  uuids: { express: 3, fastify: 3 },
  // Bytes sent to Langfuse, without headers; 30 are the trace's name, which Langfuse needs on each observation.
  bytes: { express: 840, fastify: 840 },
  // Bytes of heap allocated once code is compiled, which differ between versions of Node.js; most on the oldest.
  allocated: { express: 24_000, fastify: 15_000 },
} as const

type Framework = 'express' | 'fastify'
type Figures = Record<string, number>

const REQUESTS = 500
const REQUEST = 'GET /hello HTTP/1.1\r\nhost: 127.0.0.1\r\nx-user-id: ada\r\nuser-agent: test\r\n\r\n'

let langfuse: Server
let received = 0
const children: ChildProcess[] = []

beforeAll(async () => {
  langfuse = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    request.on('end', () => response.end())
  }).listen(0, '127.0.0.1')
  await once(langfuse, 'listening')
})

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  langfuse.closeAllConnections()
  langfuse.close()
})

describe.each<Framework>(['express', 'fastify'])('a traced hello request on %s', framework => {
  let added: Figures

  beforeAll(async () => {
    const bare = await figuresOf(framework, 'bare')
    const traced = await figuresOf(framework, 'traced')
    added = Object.fromEntries(
      ['sent', ...Object.keys(BOUNDS)].map(name => [
        name,
        ((traced[name] ?? 0) - (bare[name] ?? 0)) / REQUESTS,
      ]),
    )
  })

  it('sends one span', () => {
    expect(added.sent).toBe(1)
  })

  it.each(Object.keys(BOUNDS) as (keyof typeof BOUNDS)[])('adds no more %s than it has to', name => {
    expect(added[name]).toBeLessThanOrEqual(BOUNDS[name][framework])
  })
})

/** What the requests make, send and allocate, each in a process of its own: counting allocates too. */
async function figuresOf(framework: Framework, kind: 'bare' | 'traced'): Promise<Figures> {
  const counts = await measure([framework, kind, 'counts'], 20)
  const { allocated } = await measure([framework, kind, 'allocations'], 3_000, [
    '--expose-gc',
    '--min-semi-space-size=128',
    '--max-semi-space-size=128',
  ])
  return { ...counts, allocated: allocated ?? 0 }
}

/** The figures of a server over REQUESTS requests, after others: what is done once, such as to compile code, is not a request's. */
async function measure(args: string[], warmUp: number, execArgv: string[] = []): Promise<Figures> {
  const child = fork(join(__dirname, 'fixtures/request-cost.mjs'), args, {
    execArgv,
    env: {
      PATH: process.env.PATH,
      LANGFUSE_PUBLIC_KEY: 'pk-lf-test',
      LANGFUSE_SECRET_KEY: 'sk-lf-test',
      LANGFUSE_BASE_URL: `http://127.0.0.1:${(langfuse.address() as AddressInfo).port}`,
    },
  })
  children.push(child)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const socket = connect(port, '127.0.0.1')
  await request(socket, warmUp)
  await ask(child)
  const before = received
  await request(socket, REQUESTS)
  const figures = await ask(child)
  socket.destroy()
  child.disconnect()
  return { ...figures, bytes: received - before }
}

async function ask(child: ChildProcess): Promise<Figures> {
  const answered = once(child, 'message') as Promise<[{ figures: Figures }]>
  child.send('next')
  return (await answered)[0].figures
}

/** Sends requests one after the other, each when the one before is answered. */
async function request(socket: Socket, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    socket.write(REQUEST)
    for (let answer = ''; !answer.endsWith('{"hello":"world"}'); ) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      answer += chunk
    }
  }
}
