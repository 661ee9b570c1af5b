import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
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

function start(scenario: string, url = inspector.url) {
  const child = fork(join(__dirname, 'fixtures/app.mjs'), [scenario], {
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

async function startServer(scenario: string, url?: string) {
  const app = start(scenario, url)
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

function arrived(): string[] {
  return inspector.traces().map(trace => trace.name)
}

describe.each(['SIGTERM', 'SIGINT'] as const)('on %s', signal => {
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
