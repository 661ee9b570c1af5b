import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  currentRequest,
  getLangfuseClient,
  getTracing,
  initTracing,
  type LocalInspectorOptions,
  safeTrace,
  type TracingOptions,
  traceJob,
} from '@langfuse-middleware/core'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'

const logger = { info: jest.fn(), warn: jest.fn(), error: jest.fn() }
const env = { ...process.env }
const closing: (() => unknown)[] = []
let folder: string

beforeEach(() => {
  jest.clearAllMocks()
  folder = mkdtempSync(join(tmpdir(), 'inspected-'))
  process.env.NODE_ENV = 'development'
})

afterEach(async () => {
  await getTracing()?.shutdown({ timeoutMs: 1_000 })
  for (const close of closing.splice(0)) await close()
  process.env = { ...env }
  rmSync(folder, { recursive: true, force: true })
})

function init(inspector: boolean | LocalInspectorOptions, options: TracingOptions = {}) {
  const signals = { shutdown: { signals: false } }
  return initTracing({ logger, ...signals, inspector, ...options })
}

async function run(options?: Parameters<typeof startInspector>[0]): Promise<Inspector> {
  const inspector = await startInspector({ port: 0, settleMs: 0, ...options })
  closing.push(inspector.close)
  return inspector
}

async function occupy(): Promise<number> {
  const server: Server = createServer((_request, response) => response.end('something else'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const port = await occupy()
  await closing.pop()?.()
  return port
}

const said = (level: keyof typeof logger) => logger[level].mock.calls.map(([line]) => line as string)

/** Polls: whoever shows the traces may be about to start. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  while (true) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const namesAt = async (url: string): Promise<string[]> => {
  const { traces } = (await (await fetch(`${url}/api/traces`)).json()) as { traces: { name: string }[] }
  return traces.map(({ name }) => name)
}

const tracesAt = (url: string, wanted: number) =>
  eventually(async () => {
    const names = await namesAt(url)
    return names.length >= wanted ? names.toSorted() : undefined
  })

describe('the inspector that an app brings along', () => {
  it('is where traces go without keys, and loses none of those before it runs', async () => {
    const port = await freePort()
    const file = join(folder, 'traces.jsonl')
    const tracing = init({ port, file })
    await traceJob('first', () => {
      safeTrace('step', () => {})
      currentRequest()!.score({ name: 'helpful', value: 1 })
    })
    expect(await tracing.flush()).toMatchObject({ delivered: 3, dropped: 0 })
    const url = `http://127.0.0.1:${port}`
    expect(await (await fetch(`${url}/api/traces`)).json()).toMatchObject({
      traces: [{ name: 'first', scores: [{ name: 'helpful', value: 1 }] }],
    })
    expect(said('info')[0]).toContain(`tracing to the inspector at ${url}, no keys set`)
    expect(tracing.stats().delivery).toMatchObject({ inspector: { delivered: 2 } })
    await tracing.shutdown()
    await expect(fetch(url)).rejects.toThrow()
    expect(readFileSync(file, 'utf8')).toContain('"first"')
    expect(said('warn')).toEqual([])
  })

  it('gets the same as Langfuse where there are keys', async () => {
    const langfuse = await run()
    const port = await freePort()
    const keys = { baseUrl: langfuse.url, publicKey: 'pk-lf-any', secretKey: 'sk-lf-any' }
    const tracing = init({ port, file: false }, keys)
    await traceJob('job', () => {})
    expect(await tracing.flush()).toMatchObject({ delivered: 2 })
    expect(await namesAt(`http://127.0.0.1:${port}`)).toEqual(['job'])
    expect(langfuse.traces().map(({ name }) => name)).toEqual(['job'])
    expect(said('info')[0]).toContain(`inspector at http://127.0.0.1:${port}`)
  })

  it('is the one that already runs, and a new one when that has gone', async () => {
    const file = join(folder, 'traces.jsonl')
    const first = await run({ file })
    const tracing = init({ port: first.port, file })
    await traceJob('one', () => {})
    await tracing.flush()
    expect(first.traces().map(({ name }) => name)).toEqual(['one'])
    await first.close()
    await traceJob('two', () => {})
    expect(await tracesAt(first.url, 2)).toEqual(['one', 'two'])
    expect(await tracing.flush()).toMatchObject({ waiting: 0, dropped: 0 })
  })

  it('goes past a port that something else has, and says where to', async () => {
    const port = await occupy()
    const tracing = init({ port, file: false })
    await traceJob('job', () => {})
    await tracing.flush()
    expect(said('warn')).toEqual([
      expect.stringMatching(`Port ${port} is in use: the inspector listens on \\d+`),
    ])
    const [, moved] = /listens on (\d+)/.exec(said('warn')[0]!)!
    expect(await namesAt(`http://127.0.0.1:${moved}`)).toEqual(['job'])
    expect(said('info').at(-1)).toContain(`http://127.0.0.1:${moved}/traces/`)
    // Scores follow.
    getLangfuseClient().score.create({ traceId: '1'.repeat(32), name: 'helpful', value: 1 })
    await expect(getLangfuseClient().score.flush()).resolves.toBeUndefined()
  })

  it('costs the app nothing where it cannot start, which is said once', async () => {
    const last = createServer((_request, response) => response.end('something else'))
    // Where it is taken already, that serves as well.
    last.on('error', () => {})
    last.listen(65_535, '127.0.0.1')
    closing.push(() => last.close())
    const tracing = init({ port: 65_535, file: false })
    await traceJob('one', () => {})
    await traceJob('two', () => {})
    expect(await tracing.flush({ timeoutMs: 500 })).toMatchObject({ delivered: 0, waiting: 2 })
    expect(said('warn').filter(line => line.includes('could not start'))).toEqual([
      expect.stringContaining('NO_FREE_PORT'),
    ])
  })

  it('is not started in production, which is said, nor in tests, which is not', async () => {
    process.env.NODE_ENV = 'production'
    const keys = { publicKey: 'pk-lf-any', secretKey: 'sk-lf-any', baseUrl: 'http://127.0.0.1:9' }
    const production = init(true, keys)
    expect(said('warn')).toEqual([
      expect.stringContaining('inspector not started because NODE_ENV is "production"'),
    ])
    expect(production.stats().delivery).not.toHaveProperty('inspector')
    await production.shutdown({ timeoutMs: 0 })
    jest.clearAllMocks()
    process.env.NODE_ENV = 'test'
    expect(init(true, keys).stats().delivery).not.toHaveProperty('inspector')
    expect(said('warn')).toEqual([])
  })

  it('is started in production where that is forced', async () => {
    process.env.NODE_ENV = 'production'
    const port = await freePort()
    const tracing = init({ port, file: false, force: true })
    await traceJob('job', () => {})
    await tracing.flush()
    expect(await namesAt(`http://127.0.0.1:${port}`)).toEqual(['job'])
  })

  it.each([
    [{ port: 70_000 }, 'inspector.port must be an integer from 0 to 65535, got 70000'],
    [{ file: '' }, 'inspector.file must be'],
    [{ prot: 4319 }, 'inspector has no "prot"'],
  ])('refuses %j', (inspector, message) => {
    expect(() => init(inspector as LocalInspectorOptions)).toThrow(message)
  })
})

describe('what runs', () => {
  interface Row {
    name: string
    running: boolean
    depth: number
  }

  const outlineAt = async (url: string, traceId: string): Promise<Row[]> => {
    const answer = await fetch(`${url}/api/traces/${traceId}/outline`)
    const { observations } = (await answer.json()) as { observations: Row[] }
    return observations.map(({ name, running, depth }) => ({ name, running, depth }))
  }

  function deferred() {
    let resolve = () => {}
    const promise = new Promise<void>(done => {
      resolve = done
    })
    return { promise, resolve }
  }

  async function start(options: TracingOptions = {}) {
    const inspector = await run()
    init({ port: inspector.port, file: false }, options)
    return inspector
  }

  it('is shown before it ends, with what has ended in it, and replaced by what arrives', async () => {
    const { url } = await start()
    const answer = deferred()
    let traceId = ''
    const job = traceJob('chat', async () => {
      traceId = currentRequest()!.traceId!
      await safeTrace('plan', () => {})
      await safeTrace('answer', () => answer.promise)
    })
    const rows = await eventually(async () => {
      const rows = await outlineAt(url, traceId)
      return rows.length === 3 ? rows : undefined
    })
    expect(rows.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'answer', running: true, depth: 1 },
      { name: 'chat', running: true, depth: 0 },
      { name: 'plan', running: false, depth: 1 },
    ])
    answer.resolve()
    await job
    await getTracing()!.flush()
    expect((await outlineAt(url, traceId)).filter(({ running }) => running)).toEqual([])
  })

  it('leaves nothing behind where its trace is dropped', async () => {
    const { url } = await start()
    const answer = deferred()
    const job = traceJob('chat', async () => {
      await answer.promise
      currentRequest()!.skip()
    })
    expect(await tracesAt(url, 1)).toEqual(['chat'])
    answer.resolve()
    await job
    await eventually(async () => ((await namesAt(url)).length === 0 ? true : undefined))
  })

  it('shows no payload that a mask has yet to see', async () => {
    const { url } = await start({ mask: ({ data }) => String(data).replaceAll('secret', '***') })
    const answer = deferred()
    let traceId = ''
    const job = traceJob('chat', async () => {
      traceId = currentRequest()!.traceId!
      await safeTrace('answer', observation => {
        observation.update({ input: 'a secret' })
        return answer.promise
      })
    })
    await eventually(async () => ((await outlineAt(url, traceId)).length === 2 ? true : undefined))
    const search = async () => (await (await fetch(`${url}/api/search?q=a`)).json()) as { ids: string[] }
    const found = async (text: string) =>
      ((await (await fetch(`${url}/api/search?q=${text}`)).json()) as { ids: string[] }).ids
    expect(await search()).toEqual({ ids: [traceId] })
    expect(await found('secret')).toEqual([])
    answer.resolve()
    await job
    await getTracing()!.flush()
    expect(await found('secret')).toEqual([])
    expect(await found('***')).toEqual([traceId])
  })
})

describe('the link to a trace', () => {
  const links = () => said('info').filter(line => line.includes('/traces/'))

  it('is logged as a request or job ends, and not where its trace is dropped', async () => {
    const inspector = await run()
    const tracing = init({ port: inspector.port, file: false })
    await traceJob('reindex', () => {})
    await traceJob('nothing', () => currentRequest()!.skip())
    await tracing.flush()
    const id = inspector.traces()[0]?.id
    expect(links()).toEqual([
      expect.stringMatching(new RegExp(`^langfuse: reindex \\d+ ms ${inspector.url}/traces/${id}$`)),
    ])
  })

  it('is left out on request', async () => {
    const inspector = await run()
    const tracing = init({ port: inspector.port, file: false, links: false })
    await traceJob('reindex', () => {})
    await tracing.flush()
    expect(links()).toEqual([])
  })

  it.each([
    ['without keys', {}],
    ['with keys', { publicKey: 'pk-lf-any', secretKey: 'sk-lf-any' }],
  ])('leads to an inspector that runs beside the app, %s', async (_, keys) => {
    const inspector = await run()
    const tracing = initTracing({ logger, baseUrl: inspector.url, shutdown: { signals: false }, ...keys })
    await traceJob('reindex', () => {})
    await tracing.flush()
    await eventually(async () => (links().length > 0 ? true : undefined))
    expect(links()).toEqual([expect.stringContaining(`${inspector.url}/traces/${inspector.traces()[0]!.id}`)])
  })

  it('never leads to what is no inspector', async () => {
    const port = await occupy()
    const keys = { publicKey: 'pk-lf-any', secretKey: 'sk-lf-any' }
    init(false, { baseUrl: `http://127.0.0.1:${port}`, ...keys })
    for (const name of ['one', 'two']) await traceJob(name, () => {})
    await getTracing()!.flush({ timeoutMs: 200 })
    expect(links()).toEqual([])
  })
})

describe('a process with an inspector', () => {
  const program = (inspector: object, load = 'await import') => `
    const { initTracing, traceJob } = ${load}('@langfuse-middleware/core')
    initTracing({ inspector: ${JSON.stringify(inspector)} })
    void traceJob('script', () => {})`

  function node(...args: string[]): {
    child: ChildProcess
    output: () => string
    ended: Promise<number | null>
  } {
    const child = spawn(process.execPath, args, {
      cwd: join(__dirname, '..'),
      env: { PATH: process.env.PATH },
      stdio: 'pipe',
    })
    closing.push(() => child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', chunk => {
        output += chunk
      })
    return { child, output: () => output, ended: once(child, 'close').then(([code]) => code) }
  }

  it.each([
    ['module', 'await import'],
    ['commonjs', 'require'],
  ])('written as %s ends by itself, and what it traced is there at the next start', async (type, load) => {
    const file = join(folder, 'traces.jsonl')
    const port = await freePort()
    const app = node(`--input-type=${type}`, '--eval', program({ port, file }, load))
    expect([await app.ended, app.output()]).toEqual([0, expect.stringContaining(`127.0.0.1:${port}/traces/`)])
    const inspector = await run({ file })
    expect(inspector.traces().map(({ name }) => name)).toEqual(['script'])
  })

  it('ends though a page is open on it', async () => {
    const port = await freePort()
    const app = node(
      '--input-type=module',
      '--eval',
      `${program({ port, file: false })}; process.stdin.resume()`,
    )
    await eventually(async () => ((await namesAt(`http://127.0.0.1:${port}`)).length > 0 ? true : undefined))
    await fetch(`http://127.0.0.1:${port}/api/events`)
    app.child.stdin!.end()
    expect(await app.ended).toBe(0)
  })

  it('warns and goes on if its package is not installed', async () => {
    const without = `
      const { Module } = require('node:module')
      const resolve = Module._resolveFilename
      Module._resolveFilename = (name, ...rest) => resolve(name.endsWith('/inspector') ? name + '-missing' : name, ...rest)`
    const running = await run()
    const port = Number(new URL(running.url).port)
    const app = node('--input-type=commonjs', '--eval', without + program({ port }, 'require'))
    expect(await app.ended).toBe(0)
    expect(app.output()).toContain(
      'inspector not started: @langfuse-middleware/inspector is not installed. npm install --save-dev @langfuse-middleware/inspector',
    )
    expect(app.output()).toContain(`tracing to the local inspector at ${running.url}`)
    expect(running.traces().map(({ name }) => name)).toEqual(['script'])
  })
})
