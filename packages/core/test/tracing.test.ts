import { startObservation } from '@langfuse/tracing'
import { getLangfuseClient, getTracing, initTracing, type TracingOptions } from '@langfuse-middleware/core'
import { context, trace } from '@opentelemetry/api'

const logger = { info: jest.fn(), warn: jest.fn(), error: jest.fn() }
const env = { ...process.env }

beforeEach(() => jest.clearAllMocks())

afterEach(async () => {
  process.env = { ...env }
  await getTracing()?.shutdown()
})

function init(options: TracingOptions = {}) {
  return initTracing({ logger, baseUrl: 'http://127.0.0.1:9', ...options })
}

it('starts once, and says what is in force', () => {
  const first = init({ tier: 'growth', environment: 'staging' })
  expect(initTracing()).toBe(first)
  expect(getTracing()).toBe(first)
  expect(logger.info).toHaveBeenCalledTimes(1)
  expect(logger.info.mock.calls[0][0]).toMatch(
    /^langfuse: tracing to the local inspector at http:\/\/127\.0\.0\.1:9.* environment staging · tier growth · sampling 0.5 and every error/,
  )
  expect(logger.warn).not.toHaveBeenCalled()
})

it('says once that a second start with other options has no effect', () => {
  const first = init({ tier: 'growth' })
  expect(initTracing({ tier: 'starter' })).toBe(first)
  initTracing({ tier: 'starter' })
  expect(logger.warn).toHaveBeenCalledTimes(1)
  expect(logger.warn.mock.calls[0][0]).toContain('already started with other options')
})

it('takes a second start with the same options for the same', () => {
  init({ tier: 'growth', sampling: { rate: 0.5 } })
  init({ tier: 'growth', sampling: { rate: 0.5 } })
  expect(logger.warn).not.toHaveBeenCalled()
})

it.each([
  [{ mask: () => 'a' }, { mask: () => 'b' }],
  [{ propagateTo: [/a/] }, { propagateTo: [/b/] }],
  [{ delivery: { maxInFlight: 1 } }, { delivery: { maxInFlight: 2 } }],
  [{ sampling: { rate: 1 } }, {}],
] as [TracingOptions, TracingOptions][])('warns of a second start with %j after %j', (first, second) => {
  init(first)
  init(second)
  expect(logger.warn).toHaveBeenCalledTimes(1)
})

it('takes a second start with the same function, expression and list for the same', () => {
  const mask = ({ data }: { data: unknown }) => data
  init({ mask, propagateTo: [/internal/, 'api.local'], serviceName: undefined } as unknown as TracingOptions)
  init({ mask, propagateTo: [/internal/, 'api.local'] })
  expect(logger.warn).not.toHaveBeenCalled()
})

it('still throws on a wrong option in a second start', () => {
  init()
  expect(() => initTracing({ tier: 'gold' as 'growth' })).toThrow('LANGFUSE_MIDDLEWARE_INVALID_OPTION')
})

it('runs untraced in production without keys, with one line that names what is missing', () => {
  delete process.env.LANGFUSE_PUBLIC_KEY
  delete process.env.LANGFUSE_SECRET_KEY
  const tracing = initTracing({ logger, environment: 'production' })
  expect(tracing.enabled).toBe(false)
  expect(logger.error.mock.calls).toEqual([
    ['langfuse: not tracing: LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY not set (environment production)'],
  ])
  expect(startObservation('untraced').otelSpan.isRecording()).toBe(false)
})

it('never prints the secret key', async () => {
  const tracing = init({ publicKey: 'pk-lf-public', secretKey: 'sk-lf-secret' })
  initTracing({ secretKey: 'sk-lf-secret', tier: 'growth' })
  await tracing.flush({ timeoutMs: 100 })
  const lines = JSON.stringify([logger.info.mock.calls, logger.warn.mock.calls, logger.error.mock.calls])
  expect(lines).toContain('pk-lf-')
  expect(lines).not.toContain('sk-lf-secret')
})

it('costs nothing when it is off: no listener, no provider, no context manager', () => {
  const listeners = process.listenerCount('SIGTERM')
  const tracing = init({ enabled: false })
  expect(tracing.enabled).toBe(false)
  expect(process.listenerCount('SIGTERM')).toBe(listeners)
  expect(trace.getTracer('any').startSpan('any').isRecording()).toBe(false)
  expect(
    context.with(context.active().setValue(Symbol.for('x'), 1), () =>
      context.active().getValue(Symbol.for('x')),
    ),
  ).toBeUndefined()
  expect(tracing.stats().requests).toEqual({ started: 0, ended: 0, skipped: 0, open: 0 })
})

it('takes back everything at shutdown, and can start again', async () => {
  const listeners = process.listenerCount('SIGTERM')
  const first = init()
  expect(startObservation('traced').otelSpan.isRecording()).toBe(true)
  await first.shutdown({ timeoutMs: 100 })
  expect(getTracing()).toBeUndefined()
  expect(process.listenerCount('SIGTERM')).toBe(listeners)
  expect(startObservation('untraced').otelSpan.isRecording()).toBe(false)
  const second = init()
  expect(second).not.toBe(first)
  expect(startObservation('traced').otelSpan.isRecording()).toBe(true)
})

it('never rejects a flush or a shutdown, though Langfuse is unreachable', async () => {
  const tracing = init()
  startObservation('one').end()
  expect(await tracing.flush({ timeoutMs: 50 })).toEqual({ delivered: 0, spooled: 0, dropped: 0, waiting: 1 })
  expect(tracing.health()).toMatchObject({ status: expect.stringMatching(/ok|degraded/) })
  const left = { delivered: 0, spooled: 0, dropped: 1, waiting: 0 }
  expect(await tracing.shutdown({ timeoutMs: 50 })).toEqual(left)
  expect(await tracing.shutdown()).toEqual(left)
})

it('makes one Langfuse client, with the keys tracing runs with', () => {
  init({ publicKey: 'pk-lf-public', secretKey: 'sk-lf-secret' })
  const client = getLangfuseClient()
  expect(getLangfuseClient()).toBe(client)
})

it('survives a logger that throws', () => {
  const broken = () => {
    throw new Error('logger')
  }
  expect(() => init({ logger: { info: broken, warn: broken, error: broken } })).not.toThrow()
})
