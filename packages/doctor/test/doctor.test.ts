import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { type DiagnoseOptions, diagnose, type Finding } from '../src/index.ts'

const ROOT = join(__dirname, '..', '..', '..')
const KEYS = { LANGFUSE_PUBLIC_KEY: 'pk-lf-1234567890', LANGFUSE_SECRET_KEY: 'sk-lf-abcdefghij' }

let directory: string
let servers: Server[]

beforeEach(async () => {
  servers = []
  directory = await mkdtemp(join(tmpdir(), 'doctor-'))
})

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await rm(directory, { recursive: true })
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

async function found(check: string, options: DiagnoseOptions): Promise<Finding[]> {
  const { findings } = await diagnose({ directory: ROOT, ...options })
  return findings.filter(finding => finding.check === check)
}

async function install(folder: string, name: string, version: string): Promise<void> {
  await mkdir(join(directory, folder), { recursive: true })
  await writeFile(join(directory, folder, 'package.json'), JSON.stringify({ name, version }))
}

describe('diagnose', () => {
  let inspector: Inspector

  beforeAll(async () => {
    inspector = await startInspector({ port: 0, settleMs: 20 })
  })
  afterAll(() => inspector.close())

  it('sends a trace and reads it back, and finds nothing wrong', async () => {
    const env = { ...KEYS, LANGFUSE_BASE_URL: inspector.url }
    const { healthy, findings } = await diagnose({ directory: ROOT, env })

    expect(findings.filter(({ status }) => status === 'error')).toEqual([])
    expect(healthy).toBe(true)
    expect(findings).toContainEqual({ check: 'context', status: 'ok', message: 'survives awaits' })
    expect(findings.at(-1)).toMatchObject({ check: 'test trace', status: 'ok' })
    const trace = await inspector.waitForTrace('langfuse-middleware doctor')
    expect(trace.observations.map(({ name }) => name)).toEqual([
      'langfuse-middleware doctor',
      'after an await',
    ])
  })

  it('requests nothing and sends nothing offline', async () => {
    let requests = 0
    const url = await serve((_request, response) => {
      requests += 1
      response.end()
    })
    await diagnose({ directory: ROOT, offline: true, env: { ...KEYS, LANGFUSE_BASE_URL: url } })

    expect(requests).toBe(0)
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['no keys', { NODE_ENV: 'production' }, /no keys: LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY not set/],
    ['one key', { LANGFUSE_PUBLIC_KEY: 'pk-lf-1' }, /no keys: LANGFUSE_SECRET_KEY not set/],
    ['a wrong variable', { ...KEYS, LANGFUSE_SAMPLE_RATE: '7' }, /LANGFUSE_SAMPLE_RATE/],
    ['tracing that is off', { ...KEYS, LANGFUSE_TRACING_ENABLED: 'false' }, /tracing is off/],
    [
      'swapped keys',
      { LANGFUSE_PUBLIC_KEY: KEYS.LANGFUSE_SECRET_KEY, LANGFUSE_SECRET_KEY: KEYS.LANGFUSE_PUBLIC_KEY },
      /swapped/,
    ],
  ])('finds %s', async (_name, env, message) => {
    const [first] = (await found('configuration', { env, offline: true })).filter(
      ({ status }) => status === 'error',
    )

    expect(first?.message).toMatch(message)
    expect(first?.remedy).toBeTruthy()
  })

  it.each<[string, RequestListener, string, RegExp, RegExp]>([
    [
      'refused keys',
      json(401, { message: 'Invalid credentials' }),
      'keys',
      /pk-lf-12… is refused with 401/,
      /create new keys/,
    ],
    [
      'a redirect',
      json(301, {}, { location: 'https://langfuse.example/' }),
      'reachability',
      /redirects to https:\/\/langfuse\.example\//,
      /address that answers itself/,
    ],
    [
      'a web page',
      (_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'reachability',
      /is no Langfuse/,
      /without a path/,
    ],
    ['another server', json(404, {}), 'reachability', /is no Langfuse: it answered 404/, /without a path/],
    ['a broken server', json(503, {}), 'keys', /answered 503/, /try again/],
    ['a server that hangs', () => {}, 'reachability', /it took too long/, /firewall/],
  ])('finds %s', async (_name, listener, check, message, remedy) => {
    const env = { ...KEYS, LANGFUSE_BASE_URL: await serve(listener) }
    const [finding] = (await found(check, { env, timeoutMs: 500 })).filter(({ status }) => status === 'error')

    expect(finding?.message).toMatch(message)
    expect(finding?.remedy).toMatch(remedy)
  })

  it('finds an address at which nothing listens', async () => {
    const url = await serve(json(200, {}))
    servers.pop()!.close()
    const [finding] = await found('reachability', { env: { ...KEYS, LANGFUSE_BASE_URL: url } })

    expect(finding).toMatchObject({ status: 'error', message: `${url} does not answer: ECONNREFUSED` })
  })

  it('finds the region that the keys belong to', async () => {
    const here = await serve(json(401, {}))
    const there = await serve(json(200, { data: [{ name: 'p' }] }))
    const [finding] = await found('keys', {
      env: { ...KEYS, LANGFUSE_BASE_URL: here },
      regions: { [here]: 'EU', [there]: 'US' },
    })

    expect(finding).toMatchObject({
      status: 'error',
      message: 'the keys belong to another region: US',
      remedy: `set LANGFUSE_BASE_URL=${there}`,
    })
  })

  it('finds a clock that is wrong and a proxy that Node.js ignores', async () => {
    const url = await serve(json(401, {}, { date: new Date(Date.now() - 600_000).toUTCString() }))
    const env = { ...KEYS, LANGFUSE_BASE_URL: url, HTTPS_PROXY: 'http://proxy:3128' }

    expect((await found('clock', { env }))[0]).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/600 s ahead|599 s ahead|60\d s ahead/),
    })
    expect((await found('proxy', { env }))[0]).toMatchObject({ status: 'warning' })
    expect((await found('proxy', { env: { ...env, NODE_USE_ENV_PROXY: '1' } }))[0]).toMatchObject({
      status: 'ok',
    })
  })

  it("finds copies of OpenTelemetry's API, in nested folders and in pnpm's store", async () => {
    await install('node_modules/@opentelemetry/api', '@opentelemetry/api', '1.9.1')
    await install('node_modules/a/node_modules/@opentelemetry/api', '@opentelemetry/api', '1.8.0')
    await install('node_modules/a', 'a', '1.0.0')
    const [finding] = await found('duplicates', { directory, offline: true, env: {} })
    expect(finding).toMatchObject({
      status: 'error',
      message: expect.stringContaining('1.8.0 in node_modules/a/'),
    })

    await install(
      'node_modules/.pnpm/x@1/node_modules/@opentelemetry/sdk-trace-base',
      '@opentelemetry/sdk-trace-base',
      '3.0.1',
    )
    const packages = await found('packages', { directory, offline: true, env: {} })
    expect(packages).toContainEqual(
      expect.objectContaining({ status: 'error', message: expect.stringContaining('sdk-trace-base 3.0.1') }),
    )
  })

  it('finds packages of ours at different versions, and a missing adapter', async () => {
    await install('node_modules/@langfuse-middleware/core', '@langfuse-middleware/core', '0.1.0')
    await install('node_modules/@langfuse-middleware/delivery', '@langfuse-middleware/delivery', '0.2.0')
    const messages = (await found('packages', { directory, offline: true, env: {} })).map(
      ({ message }) => message,
    )

    expect(messages).toEqual([
      expect.stringContaining('different versions of our packages'),
      'no adapter is installed here',
    ])
  })

  it('tells what waits in a spool, and one that cannot be used', async () => {
    const spool = join(directory, 'spool')
    expect((await found('spool', { spool, offline: true, env: {} }))[0]).toMatchObject({ status: 'error' })

    await mkdir(join(spool, 'a'), { recursive: true })
    await writeFile(join(spool, 'a', 'segment'), Buffer.alloc(2 * 1_048_576))
    const old = new Date(Date.now() - 2 * 3_600_000)
    await utimes(join(spool, 'a', 'segment'), old, old)
    const findings = await found('spool', { spool, offline: true, env: {} })
    expect(findings[0]).toMatchObject({ status: 'ok', message: '2.0 MiB in 1 files' })
    expect(findings.at(-1)).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('120 minutes ago'),
    })
  })

  it('tells a Next.js app that bundles our packages', async () => {
    await writeFile(join(directory, 'package.json'), '{"dependencies":{"next":"16.0.0"}}')
    expect((await found('bundler', { directory, offline: true, env: {} }))[0]).toMatchObject({
      status: 'warning',
    })

    await writeFile(
      join(directory, 'next.config.ts'),
      "export default { serverExternalPackages: ['@langfuse-middleware/core'] }",
    )
    expect((await found('bundler', { directory, offline: true, env: {} }))[0]).toMatchObject({ status: 'ok' })
  })
})

describe('the command', () => {
  const run = (args: string[], env: Record<string, string>) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>(resolve => {
      const cli = join(__dirname, '..', 'dist', 'cli.mjs')
      const options = { cwd: ROOT, env: { PATH: process.env.PATH, ...env } }
      execFile(process.execPath, [cli, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      )
    })

  it('exits with 1 and prints no secret in any form', async () => {
    const env = { ...KEYS, LANGFUSE_BASE_URL: await serve(json(401, {})) }
    for (const args of [[], ['--json']]) {
      const { code, stdout, stderr } = await run(args, env)
      expect(code).toBe(1)
      expect(stderr).toBe('')
      expect(stdout).toContain('is refused with 401')
      for (const secret of [
        KEYS.LANGFUSE_SECRET_KEY,
        Buffer.from(KEYS.LANGFUSE_SECRET_KEY).toString('base64'),
      ])
        expect(stdout).not.toContain(secret)
    }
  })

  it('prints findings as JSON, and exits with 0 if nothing stops traces', async () => {
    const inspector = await startInspector({ port: 0, settleMs: 20 })
    const { code, stdout } = await run(['--json'], { ...KEYS, LANGFUSE_BASE_URL: inspector.url })
    await inspector.close()

    expect(JSON.parse(stdout)).toMatchObject({ healthy: true })
    expect(code).toBe(0)
  })

  it('exits with 2 for a wrong option', async () => {
    expect(await run(['--timeout', 'soon'], {})).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--timeout must be'),
    })
    expect(await run(['--jsn'], {})).toMatchObject({ code: 2 })
  })
})
