import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Inspector, type InspectorOptions, startInspector, type Trace } from '../src/index.ts'
import { sendSpans, traceId } from './span-fixture.ts'

const started: Inspector[] = []

const start = async (options: InspectorOptions = {}): Promise<Inspector> => {
  const inspector = await startInspector({ port: 0, settleMs: 10, ...options })
  started.push(inspector)
  return inspector
}

afterEach(() => Promise.all(started.splice(0).map(inspector => inspector.close())))

describe('starting', () => {
  const NODE_ENV = process.env.NODE_ENV

  afterEach(() => {
    process.env.NODE_ENV = NODE_ENV
  })

  it('is refused in production unless forced', async () => {
    process.env.NODE_ENV = 'production'
    await expect(start()).rejects.toMatchObject({
      code: 'LANGFUSE_MIDDLEWARE_INSPECTOR_IN_PRODUCTION',
      message: expect.stringContaining('set force'),
    })
    expect((await start({ force: true })).port).toBeGreaterThan(0)
  })

  it.each(['0.0.0.0', '::', '192.168.1.2', 'example.com'])('is refused on %s unless forced', async host => {
    await expect(start({ host })).rejects.toMatchObject({ code: 'LANGFUSE_MIDDLEWARE_INSPECTOR_EXPOSED' })
  })

  it('may be forced on an address that others reach', async () => {
    const { port } = await start({ host: '0.0.0.0', force: true })
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
  })

  it.each([
    [{ port: 70_000 }, 'port must be an integer between 0 and 65535, got 70000'],
    [{ settleMs: -1 }, 'settleMs must be an integer between 0 and 3600000, got -1'],
    [{ maxSpans: 0.5 }, 'maxSpans must be an integer of at least 1, got 0.5'],
  ])('is refused with %j', async (options, message) => {
    await expect(start(options)).rejects.toMatchObject({
      code: 'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      message: expect.stringContaining(message),
    })
  })

  it('moves to the next free port and says so', async () => {
    const first = await start()
    const warnings: string[] = []
    const second = await start({ port: first.port, warn: message => warnings.push(message) })
    expect(second.port).toBeGreaterThan(first.port)
    expect(second.url).toBe(`http://127.0.0.1:${second.port}`)
    expect(warnings).toEqual([`Port ${first.port} is in use: the inspector listens on ${second.port}`])
  })

  it('fails where no port can be had, with the cause', async () => {
    const blocker = await occupyLastPort()
    if (blocker === undefined) return
    await expect(start({ port: 65_535 })).rejects.toMatchObject({ code: 'LANGFUSE_MIDDLEWARE_NO_FREE_PORT' })
    blocker.close()
  })
})

describe('waiting for a trace', () => {
  it('ends with one that had settled before', async () => {
    const inspector = await start()
    await sendSpans(inspector.url, { name: 'GET /a' })
    const trace = await inspector.waitForTrace()
    expect(await inspector.waitForTrace('GET /a')).toBe(trace)
    expect(await inspector.waitForTrace(traceId('a'))).toBe(trace)
  })

  it('ends with the first to come that matches, complete', async () => {
    const inspector = await start()
    const waiting = inspector.waitForTrace(({ observations }) => observations.length === 2)
    await sendSpans(inspector.url, { trace: 'a' })
    await sendSpans(inspector.url, { trace: 'b', id: '2', parent: '1' })
    await sendSpans(inspector.url, { trace: 'b', id: '1' })
    expect(await waiting).toMatchObject({ id: traceId('b'), settled: true })
  })

  it('tells what came instead when time is up', async () => {
    const inspector = await start({ settleMs: 60_000 })
    await sendSpans(inspector.url, { name: 'GET /other' })
    await expect(inspector.waitForTrace('GET /a', { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'LANGFUSE_MIDDLEWARE_NO_TRACE',
      message: expect.stringContaining(
        'No matching trace settled within 20 ms; 1 traces arrived: "GET /other" (not settled)',
      ),
    })
  })

  it('fails with the error of the test it was given', async () => {
    const inspector = await start()
    const waiting = inspector.waitForTrace(() => {
      throw new Error('no such field')
    })
    await Promise.all([expect(waiting).rejects.toThrow('no such field'), sendSpans(inspector.url, {})])
  })

  it('ends when the inspector closes', async () => {
    const inspector = await start()
    const waiting = expect(inspector.waitForTrace()).rejects.toThrow('closed before')
    await inspector.close()
    await waiting
  })
})

describe('closing', () => {
  it('shows onTrace what was still open, keeps the traces, and may be repeated', async () => {
    const shown: Trace[] = []
    const inspector = await start({ settleMs: 60_000, onTrace: trace => shown.push(trace) })
    await sendSpans(inspector.url, { trace: 'a' }, { trace: 'b', id: '2', parent: '1' })
    await Promise.all([inspector.close(), inspector.close()])
    expect(shown.map(({ id }) => id)).toEqual([traceId('a'), traceId('b')])
    expect(inspector.traces()).toHaveLength(2)
    await expect(fetch(inspector.url)).rejects.toThrow()
  })
})

it('survives an onTrace that throws', async () => {
  const warnings: string[] = []
  const inspector = await start({
    onTrace() {
      throw new Error('oops')
    },
    warn: message => warnings.push(message),
  })
  await sendSpans(inspector.url, {})
  await inspector.waitForTrace()
  expect(warnings).toEqual([expect.stringContaining('oops')])
})

async function occupyLastPort(): Promise<Server | undefined> {
  const server = createServer()
  return await new Promise(resolve => {
    server
      .on('error', () => resolve(undefined))
      .listen(65_535, '127.0.0.1', () => {
        resolve((server.address() as AddressInfo).port === 65_535 ? server : undefined)
      })
  })
}
