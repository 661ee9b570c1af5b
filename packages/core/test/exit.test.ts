import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'

let inspector: Inspector
let children: ChildProcess[] = []
let hanging: Server[] = []

beforeEach(async () => {
  inspector = await startInspector({ port: 0, settleMs: 0 })
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  for (const server of hanging) {
    server.closeAllConnections()
    server.close()
  }
  hanging = []
  await inspector.close()
})

function start(scenario: string, url = inspector.url, ...more: string[]) {
  const child = fork(join(__dirname, 'fixtures/app.mjs'), [scenario, ...more], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, LANGFUSE_BASE_URL: url },
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', chunk => {
      output += chunk
    })
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  return { child, exit, output: () => output }
}

async function startServer(scenario: string, url?: string, ...more: string[]) {
  const app = start(scenario, url, ...more)
  const [{ port }] = (await once(app.child, 'message')) as [{ port: number }]
  return { ...app, get: (path: string) => fetch(`http://127.0.0.1:${port}${path}`) }
}

/** Takes requests and never answers. */
async function hangingLangfuse(): Promise<{ url: string; server: Server }> {
  const server = createServer(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  hanging.push(server)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** Passes requests on to the inspector after a while. */
async function slowLangfuse(latencyMs: number): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    await new Promise(resolve => setTimeout(resolve, latencyMs))
    const answer = await fetch(`${inspector.url}${request.url}`, {
      method: 'POST',
      headers: { 'content-type': String(request.headers['content-type']) },
      body: Buffer.concat(chunks),
    })
    const type = answer.headers.get('content-type')
    response.writeHead(answer.status, type === null ? {} : { 'content-type': type })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  hanging.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Sends requests one after the other on several connections until the server is gone; resolves with the number of those answered. */
async function load(get: (path: string) => Promise<Response>, answered: { count: number }): Promise<number> {
  const client = async () => {
    for (;;) {
      const response = await get('/slow').catch(() => undefined)
      const body = await response?.text().catch(() => undefined)
      if (body !== 'ok') return
      answered.count += 1
    }
  }
  await Promise.all(Array.from({ length: 8 }, client))
  return answered.count
}

/** Waits until `condition` holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 10))
}

/** Spans that a process counted as lost in its last line about it. */
function lostIn(output: string): number {
  const lines = [...output.matchAll(/([\d,]+) spans? lost so far: the process ended/g)]
  return Number(lines.at(-1)?.[1]?.replaceAll(',', '') ?? 0)
}

function arrived(): string[] {
  return inspector.traces().map(trace => trace.name)
}

describe.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const)('on %s', signal => {
  it('sends everything, then dies of the signal', async () => {
    const { child, exit, get } = await startServer('plain')
    for (let index = 0; index < 20; index += 1) await (await get('/ok')).text()
    expect(arrived()).toEqual([])
    child.kill(signal)
    expect(await exit).toEqual([null, signal])
    expect(arrived()).toHaveLength(20)
  })
})

it('records a request that a signal cut short as aborted by the server', async () => {
  const { child, exit, get } = await startServer('plain')
  const pending = get('/never').catch(() => {})
  await (await get('/ok')).text()
  child.kill('SIGTERM')
  await Promise.all([exit, pending])
  const cut = inspector
    .traces()
    .find(
      trace => trace.name.startsWith('GET') && trace.observations.length === 2 && trace.level === 'WARNING',
    )
  expect(cut?.root?.metadata).toMatchObject({ end: 'server_aborted' })
})

it('dies within the deadline though Langfuse hangs', async () => {
  const { url } = await hangingLangfuse()
  const { child, exit, get, output } = await startServer('short deadline', url)
  await (await get('/ok')).text()
  child.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  expect(output()).toContain('langfuse: 2 spans lost so far: the process ended before they were delivered')
})

it.each([0, 200])(
  'traces every request that is answered after the signal, and none as aborted, if Langfuse takes %i ms',
  async latencyMs => {
    const { child, exit, get } = await startServer('plain', await slowLangfuse(latencyMs))
    const answered = { count: 0 }
    const loaded = load(get, answered)
    await until(() => answered.count >= 20)
    child.kill('SIGTERM')
    expect(await exit).toEqual([null, 'SIGTERM'])
    await loaded
    const traces = inspector.traces()
    expect(traces.filter(trace => trace.statusCode === 200)).toHaveLength(answered.count)
    expect(
      traces.filter(trace => trace.root?.metadata).map(trace => trace.root?.metadata),
    ).not.toContainEqual(expect.objectContaining({ end: 'server_aborted' }))
  },
)

it('counts every request that was answered if Langfuse hangs, also after the signal', async () => {
  const { url } = await hangingLangfuse()
  const { child, exit, get, output } = await startServer('short deadline', url)
  const answered = { count: 0 }
  const loaded = load(get, answered)
  await until(() => answered.count >= 20)
  child.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  await loaded
  // A request and the work in it.
  expect(lostIn(output())).toBeGreaterThanOrEqual(2 * answered.count)
  // What a client did not see answered any more is eight requests at most.
  expect(lostIn(output())).toBeLessThanOrEqual(2 * (answered.count + 8))
})

it('spools every request that was answered if Langfuse hangs, and the next process delivers it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'exit-'))
  const { url } = await hangingLangfuse()
  const { child, exit, get, output } = await startServer('short deadline', url, directory)
  const answered = { count: 0 }
  const loaded = load(get, answered)
  await until(() => answered.count >= 20)
  child.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  await loaded
  expect(lostIn(output())).toBe(0)
  const next = await startServer('plain', inspector.url, directory)
  await until(() => inspector.traces().filter(trace => trace.statusCode === 200).length >= answered.count)
  next.child.kill('SIGTERM')
  await next.exit
  rmSync(directory, { recursive: true })
})

it('waits for nothing that cannot come, if nobody listens at the address', async () => {
  const { child, exit, get } = await startServer('slow shutdown', 'http://127.0.0.1:1')
  await (await get('/ok')).text()
  child.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
})

it('goes on tracing as process 1, which no signal ends, and says once what to do', async () => {
  const [unshare] = ['unshare']
  if (spawnSync(unshare!, ['--pid', '--fork', 'true']).status !== 0) return
  const app = spawn(
    unshare!,
    ['--pid', '--fork', '--kill-child', process.execPath, join(__dirname, 'fixtures/app.mjs'), 'plain'],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH, LANGFUSE_BASE_URL: inspector.url },
    },
  )
  children.push(app)
  let output = ''
  for (const stream of [app.stdout, app.stderr])
    stream?.on('data', chunk => {
      output += chunk
    })
  const [{ port }] = (await once(app, 'message')) as [{ port: number }]
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  const [init] = readFileSync(`/proc/${app.pid}/task/${app.pid}/children`, 'utf8').trim().split(' ')
  await get('/before')
  process.kill(Number(init), 'SIGTERM')
  await until(() => arrived().includes('GET /before'))
  expect(await get('/after')).toBe('ok')
  process.kill(Number(init), 'SIGTERM')
  await until(() => arrived().includes('GET /after'))
  expect(output.match(/runs as PID 1/g)).toHaveLength(1)
})

it('counts in one line what a script leaves if Langfuse hangs, and is not held by it', async () => {
  const { url } = await hangingLangfuse()
  const { exit, output } = start('script that hangs', url)
  expect(await exit).toEqual([3, null])
  expect(lostIn(output())).toBe(2)
})

it('counts or spools what is in memory if the app calls process.exit()', async () => {
  const { exit, output } = start('script that exits')
  expect(await exit).toEqual([3, null])
  expect(lostIn(output())).toBe(2)
  const directory = mkdtempSync(join(tmpdir(), 'exit-'))
  const spooling = start('script that exits', inspector.url, directory)
  expect(await spooling.exit).toEqual([3, null])
  expect(lostIn(spooling.output())).toBe(0)
  const next = start('script', inspector.url, directory)
  expect(await next.exit).toEqual([3, null])
  rmSync(directory, { recursive: true })
})

it('sends the streams that a shutdown with a server cuts off', async () => {
  const { child, get } = await startServer('plain')
  const streams = await Promise.all(Array.from({ length: 10 }, () => get('/stream')))
  child.send('shut down')
  const [{ stats }] = (await once(child, 'message')) as [{ stats: { delivery: unknown } }]
  expect(stats.delivery).toMatchObject({ langfuse: { delivered: 20, dropped: { total: 0 } } })
  expect(arrived()).toHaveLength(10)
  for (const stream of streams) await stream.body?.cancel().catch(() => undefined)
})

it('dies at once of a second signal', async () => {
  const { url, server } = await hangingLangfuse()
  const { child, exit, get } = await startServer('slow shutdown', url)
  await (await get('/ok')).text()
  const flushing = new Promise<void>(resolve => {
    server.on('request', ({ method }) => method === 'POST' && resolve())
  })
  child.kill('SIGTERM')
  await flushing
  child.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
})

it('leaves the shutdown to an app that listens for the signal itself, and goes on tracing until then', async () => {
  const { child, exit, get } = await startServer('own listener')
  const slow = get('/slow').then(response => response.text())
  await (await get('/ok')).text()
  child.kill('SIGTERM')
  expect(await slow).toBe('ok')
  expect(await exit).toEqual([7, null])
  expect(
    inspector
      .traces()
      .map(trace => [trace.name, trace.statusCode])
      .sort(),
  ).toEqual([
    ['GET /ok', 200],
    ['GET /slow', 200],
  ])
})

it('sends everything where an app listens once and raises the signal again', async () => {
  const { child, exit, get } = await startServer('raises it again')
  const pending = get('/never').catch(() => {})
  await (await get('/ok')).text()
  child.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  await pending
  expect(arrived()).toHaveLength(2)
})

it('sends everything when a script runs out, and leaves its exit code alone', async () => {
  const { exit } = start('script')
  expect(await exit).toEqual([3, null])
  expect(arrived()).toEqual(['script'])
})

it('shuts down with a server: requests in flight are answered and recorded whole', async () => {
  const { child, exit, get } = await startServer('plain')
  const answer = get('/slow').then(response => response.text())
  await (await get('/ok')).text()
  child.send('shut down')
  const [{ stats }] = (await once(child, 'message')) as [{ stats: { requests: unknown } }]
  expect(await answer).toBe('ok')
  expect(stats.requests).toEqual({ started: 2, ended: 2, skipped: 0, open: 0 })
  expect(await exit).toEqual([0, null])
  expect(arrived().sort()).toEqual(['GET /ok', 'GET /slow'])
})
