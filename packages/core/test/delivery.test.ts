import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  currentRequest,
  getTracing,
  initTracing,
  safeTrace,
  type TracingOptions,
  traceJob,
} from '@langfuse-middleware/core'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'

const logger = { info: jest.fn(), warn: jest.fn(), error: jest.fn() }
const env = { ...process.env }
let langfuse: Inspector
let servers: Server[] = []

beforeEach(async () => {
  jest.clearAllMocks()
  langfuse = await startInspector({ port: 0, settleMs: 0 })
})

afterEach(async () => {
  process.env = { ...env }
  await getTracing()?.shutdown({ timeoutMs: 200 })
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  servers = []
  await langfuse.close()
})

function init(options: TracingOptions = {}) {
  return initTracing({
    logger,
    baseUrl: langfuse.url,
    publicKey: 'pk-lf-public',
    secretKey: 'sk-lf-secret',
    shutdown: { signals: false },
    ...options,
  })
}

/** A backend that answers every request with `status`, and keeps their headers. */
async function backend(
  status: number,
): Promise<{ url: string; requests: IncomingMessage[]; answer(status: number): void }> {
  const requests: IncomingMessage[] = []
  let answer = status
  const server = createServer((request, response) => {
    requests.push(request)
    request.resume()
    request.on('end', () => response.writeHead(answer).end())
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer(next) {
      answer = next
    },
  }
}

it('says what became of what was handed in', async () => {
  const tracing = init()
  await traceJob('job', () => safeTrace('step', () => {}))
  expect(await tracing.flush()).toEqual({ delivered: 2, spooled: 0, dropped: 0, waiting: 0 })
  expect(tracing.stats().delivery.langfuse).toMatchObject({
    accepted: 2,
    delivered: 2,
    dropped: { total: 0 },
  })
  expect(tracing.health()).toEqual({ status: 'ok', reasons: [] })
  expect((await langfuse.waitForTrace('job')).observations).toHaveLength(2)
})

it('loses none of a burst', async () => {
  const tracing = init()
  await traceJob('burst', () => {
    for (let index = 0; index < 5_000; index += 1) safeTrace('step', () => {})
  })
  expect(await tracing.flush()).toMatchObject({ delivered: 5_001, dropped: 0 })
  expect(langfuse.stats().receivedSpans).toBe(5_001)
})

it('keeps on disk what cannot be sent, for the next process', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spool-'))
  const broken = await backend(503)
  const delivery = { spool: { directory, adoptIntervalMs: 20 } }
  const first = init({ baseUrl: broken.url, delivery })
  await traceJob('job', () => {})
  expect(await first.shutdown()).toEqual({ delivered: 0, spooled: 1, dropped: 0, waiting: 0 })

  init({ delivery })
  expect((await langfuse.waitForTrace('job')).observations).toHaveLength(1)
  await getTracing()?.shutdown()
  rmSync(directory, { recursive: true })
})

it('sends the same observations to mirrors, masked, and no outage of one touches another', async () => {
  const dead = await backend(503)
  const mirror = await startInspector({ port: 0, settleMs: 0 })
  const tracing = init({
    mask: ({ data }) => String(data).replaceAll('secret', '***'),
    llmEntry: true,
    mirrors: [
      { url: `${dead.url}/v1/traces`, headers: { 'x-key': 'vendor-key' } },
      { url: `${mirror.url}/v1/traces`, resourceAttributes: { token: 'tencent', 'service.name': 'shop' } },
    ],
  })
  await traceJob('job', () => {
    safeTrace('step', observation => observation.update({ input: 'a secret' }))
  })
  await tracing.flush({ timeoutMs: 300 })
  for (const inspector of [langfuse, mirror]) {
    const trace = await inspector.waitForTrace('job')
    expect(trace.observations.map(one => [one.name, one.input, one.attributes['gen_ai.is_entry']])).toEqual([
      ['job', undefined, true],
      ['step', 'a ***', undefined],
    ])
  }
  expect((await mirror.waitForTrace('job')).root?.resource).toMatchObject({
    token: 'tencent',
    'service.name': 'shop',
  })
  expect((await langfuse.waitForTrace('job')).root?.resource).not.toHaveProperty('token')
  expect(tracing.health()).toMatchObject({ status: expect.any(String) })
  expect(tracing.stats().delivery[`${dead.url}/v1/traces`]).toMatchObject({ delivered: 0, waiting: 2 })
  await mirror.close()
})

it('sends to mirrors alone where Langfuse is off', async () => {
  const mirror = await startInspector({ port: 0, settleMs: 0 })
  const tracing = init({ langfuse: false, mirrors: [{ url: `${mirror.url}/v1/traces` }] })
  await traceJob('job', () => {})
  await tracing.flush()
  expect((await mirror.waitForTrace('job')).name).toBe('job')
  expect(langfuse.stats().receivedSpans).toBe(0)
  await mirror.close()
})

it("keeps everyone's keys to themselves", async () => {
  process.env.OTEL_EXPORTER_OTLP_HEADERS = 'x-vendor=vendor-from-environment'
  const target = await backend(200)
  const mirror = await backend(200)
  const tracing = init({
    baseUrl: target.url,
    mirrors: [{ url: `${mirror.url}/v1/traces`, headers: { 'x-key': 'vendor-key' } }],
  })
  await traceJob('job', () => {})
  await tracing.flush()
  const toLangfuse = JSON.stringify(target.requests[0]?.rawHeaders)
  const toMirror = JSON.stringify(mirror.requests[0]?.rawHeaders)
  expect(toLangfuse).toContain(`Basic ${Buffer.from('pk-lf-public:sk-lf-secret').toString('base64')}`)
  expect(toLangfuse).not.toMatch(/vendor/)
  expect(toMirror).toContain('vendor-key')
  expect(toMirror).not.toMatch(/Basic|pk-lf|vendor-from-environment/)
})

it('says loudly that the keys are wrong, keeps the data, and prints no key', async () => {
  const target = await backend(401)
  const tracing = init({ baseUrl: target.url })
  await traceJob('job', () => {})
  expect(await tracing.flush({ timeoutMs: 300 })).toMatchObject({ dropped: 0, waiting: 1 })
  expect(tracing.health().status).toBe('degraded')
  expect(logger.error.mock.calls.concat(logger.warn.mock.calls).join()).toMatch(/401/)
  const lines = JSON.stringify([logger.info.mock.calls, logger.warn.mock.calls, logger.error.mock.calls])
  expect(lines).not.toContain('sk-lf-secret')
})

it('flushes after each request where the platform freezes the process', async () => {
  const flushed: Promise<unknown>[] = []
  init({ flush: { intervalMs: 600_000, at: 1_000 }, flushAfterRequest: promise => flushed.push(promise) })
  await traceJob('job', () => {
    void currentRequest()?.waitUntil(Promise.resolve())
  })
  await new Promise(resolve => setTimeout(resolve, 20))
  expect(await Promise.all(flushed)).toEqual([{ delivered: 1, spooled: 0, dropped: 0, waiting: 0 }])
})

it('keeps two mirrors of one URL apart, if they have names', async () => {
  const [one, other] = [await backend(200), await backend(200)]
  const url = `${one.url}/v1/traces?token=hidden`
  const mirrors = [
    { name: 'tenant a', url, headers: { 'x-tenant': 'a' } },
    { name: 'tenant b', url, headers: { 'x-tenant': 'b' } },
    { url: `${other.url.replace('//', '//user:password@')}/v1/traces` },
  ]
  expect(() => init({ mirrors: mirrors.map(({ name: _, ...mirror }) => mirror) })).toThrow(
    'mirrors[1].name must be unique',
  )
  const tracing = init({ mirrors })
  await traceJob('job', () => {})
  await tracing.flush()
  expect(one.requests.map(({ headers }) => headers['x-tenant']).sort()).toEqual(['a', 'b'])
  expect(Object.keys(tracing.stats().delivery)).toEqual([
    'langfuse',
    'tenant a',
    'tenant b',
    `${other.url}/v1/traces`,
  ])
  expect(JSON.stringify(logger.info.mock.calls)).not.toMatch(/hidden|password/)
})

it('spools for mirrors and scores as for Langfuse', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spool-'))
  const broken = await backend(503)
  const tracing = init({
    baseUrl: broken.url,
    mirrors: [{ name: 'mirror', url: `${broken.url}/v1/traces` }],
    delivery: { spool: { directory, adoptIntervalMs: 20 } },
  })
  await traceJob('job', () => currentRequest()?.score({ name: 'good', value: 1 }))
  await tracing.shutdown({ timeoutMs: 200 })
  const { delivery, scores } = tracing.stats()
  expect([delivery.langfuse, delivery.mirror, scores?.delivery].map(stats => stats?.spooled)).toEqual([
    1, 1, 1,
  ])
  rmSync(directory, { recursive: true })
})

it('takes a base URL that ends with the path of an endpoint', async () => {
  const tracing = init({ baseUrl: `${langfuse.url}/api/public/otel` })
  await traceJob('job', () => {})
  expect(await tracing.flush()).toMatchObject({ delivered: 1 })
})

it("refuses public and secret key in each other's place, and shows neither", () => {
  const swapped = () => init({ publicKey: 'sk-lf-very-secret', secretKey: 'pk-lf-public' })
  expect(swapped).toThrow('the Langfuse keys are swapped')
  expect(swapped).not.toThrow(/very-secret/)
})

it('refuses a second pair of keys in one process, and names both places', () => {
  init()
  const second = () => init({ publicKey: 'pk-lf-other', secretKey: 'sk-lf-other' })
  expect(second).toThrow(expect.objectContaining({ code: 'LANGFUSE_MIDDLEWARE_TWO_PROJECTS' }))
  expect(second).toThrow(/started at .*delivery\.test\.ts:\d+:\d+ .* again at .*delivery\.test\.ts:\d+:\d+ /)
  expect(second).not.toThrow(/sk-lf/)
})

it('shuts down with a server of HTTP/2 whose client stays connected', async () => {
  const tracing = init()
  const tracer = createRequestTracer()
  const server = createHttp2Server((request, response) => {
    const trace = tracer.start(request as never)
    trace.endWith(response as never, () => '/')
    response.end('ok')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const stream = client.request({ ':path': '/' })
  stream.resume()
  await once(stream, 'end')
  // Without an end of the session this would take the ten minutes.
  expect(await tracing.shutdown({ server, timeoutMs: 600_000 })).toMatchObject({ delivered: 1 })
  client.destroy()
})

it('shows its figures as metrics', async () => {
  class Reader extends MetricReader {
    protected override async onForceFlush() {}
    protected override async onShutdown() {}
  }
  const reader = new Reader()
  const meters = new MeterProvider({ readers: [reader] })
  const tracing = init()
  const stop = tracing.observe(meters.getMeter('app'))
  await traceJob('job', () => {})
  await tracing.flush()
  const { resourceMetrics } = await reader.collect()
  const [spans] =
    resourceMetrics.scopeMetrics[0]?.metrics.filter(
      one => one.descriptor.name === 'langfuse.delivery.spans',
    ) ?? []
  expect(spans?.dataPoints).toContainEqual(
    expect.objectContaining({ value: 1, attributes: { destination: 'Langfuse', state: 'delivered' } }),
  )
  stop()
  await meters.shutdown()
})

it.each([
  [{ delivery: { maxBytes: -1 } }, 'maxBytes must be'],
  [{ delivery: { spool: { directory: '' } } }, 'spool.directory must be'],
  [{ mirrors: [{ url: 'collector:4317' }] }, 'mirrors[0].url must be an http or https URL'],
  [{ mirrors: [{ url: 'http://x', protocol: 'thrift' as 'grpc' }] }, 'mirrors[0].protocol must be one of'],
  [{ langfuse: false }, 'langfuse must be true unless there are `mirrors`'],
] as [TracingOptions, string][])('refuses %j at the start', (options, message) => {
  expect(() => init(options)).toThrow(
    expect.objectContaining({
      code: 'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      message: expect.stringContaining(message),
    }),
  )
  expect(getTracing()).toBeUndefined()
})
