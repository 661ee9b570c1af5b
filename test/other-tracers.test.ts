import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startTracerSink, type TheirSpan, type TracerSink } from './tracer-sink.ts'

const FIXTURES = join(__dirname, 'fixtures', 'other-tracers')
const USERS = ['ada', 'bob', 'eve']

let sink: TracerSink
let inspector: Inspector
let lines: string[]

beforeAll(async () => {
  sink = await startTracerSink()
  inspector = await startInspector({ port: 0, settleMs: 20 })
})
beforeEach(() => {
  lines = []
  sink.clear()
  inspector.clear()
})
afterAll(async () => {
  await inspector.close()
  await sink.close()
})

type Format = 'cjs' | 'mjs'
type Framework = 'express' | 'fastify'
type Order = 'before ours' | 'after ours'

/** Runs the app with `tracer`, answers each user once, the last one with an error, and ends it. */
async function run(
  tracer: string,
  order: Order,
  framework: Framework,
  format: Format,
  { env, preload = false }: { env?: Record<string, string>; preload?: boolean } = {},
): Promise<void> {
  const first = order === 'before ours' ? [tracer, 'ours'] : ['ours', tracer]
  const flag = format === 'mjs' ? '--import' : '--require'
  const app = fork(join(FIXTURES, `app.${format}`), [framework, ...(preload ? [] : first)], {
    execArgv: preload ? first.flatMap(name => [flag, join(FIXTURES, `${name}.${format}`)]) : [],
    silent: true,
    env: {
      PATH: process.env.PATH,
      SINK_URL: sink.url,
      LANGFUSE_BASE_URL: inspector.url,
      LANGFUSE_PUBLIC_KEY: 'any',
      LANGFUSE_SECRET_KEY: 'any',
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_NODE_RESOURCE_DETECTORS: 'none',
      DD_TRACE_AGENT_URL: sink.url,
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      DD_REMOTE_CONFIGURATION_ENABLED: 'false',
      ...env,
    },
  })
  for (const stream of [app.stdout, app.stderr]) stream?.on('data', chunk => lines.push(String(chunk)))
  const exited = once(app, 'exit')
  const [started] = await Promise.race([once(app, 'message'), exited.then(() => [undefined])])
  if (started === undefined) throw new Error(`the app did not start:\n${lines.join('')}`)
  const url = `http://127.0.0.1:${(started as { port: number }).port}/chat/1`
  // Together, so that what is not kept apart shows.
  const answers = await Promise.all(
    USERS.map(user => fetch(user === 'eve' ? `${url}?fail=1` : url, { headers: { 'x-user-id': user } })),
  )
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 500])
  app.send('end')
  await exited
}

/** Each trace of ours as `name @user`, indented. */
function ourTraces(): string[] {
  return inspector.traces().map(({ observations }) => {
    const below = (parentId: string | undefined, indent: string): string[] =>
      observations
        .filter(one => one.parentId === parentId)
        .flatMap(({ id, name, userId }) => [`${indent}${name} @${userId}`, ...below(id, `${indent}  `)])
    return [...below(undefined, ''), `${observations.length} in all`].join('\n')
  })
}

function wholeTrace(user: string): string {
  return [
    `GET /chat/:id @${user}`,
    `  answer @${user}`,
    `    guard @${user}`,
    `    embed @${user}`,
    '4 in all',
  ].join('\n')
}

/** Their spans from `span` up to the root. */
function ancestry(span: TheirSpan): string[] {
  const parent = sink.spans.find(one => one.id === span.parentId && one.traceId === span.traceId)
  if (parent === undefined && span.parentId !== undefined) return [span.name, '(a parent that never came)']
  return parent === undefined ? [span.name] : [span.name, ...ancestry(parent)]
}

function expectTheirTracesWhole(): void {
  const { spans } = sink
  expect(new Set(spans.map(({ traceId, id }) => traceId + id)).size).toBe(spans.length)
  expect(spans.filter(({ name }) => /^(answer|guard|embed)$/.test(name))).toEqual([])
  const requests = new Set<string>()
  for (const name of ['their database query', 'their vector query']) {
    const named = spans.filter(span => span.name === name)
    expect(named).toHaveLength(USERS.length)
    for (const span of named) {
      expect(ancestry(span).at(-1)).toMatch(/^(GET( \/chat\/:id)?|express\.request|fastify\.request)$/)
      requests.add(span.traceId)
    }
  }
  expect(requests.size).toBe(USERS.length)
  const calls = spans.filter(span => ancestry(span)[1] === 'their database query')
  expect(calls.filter(({ name }) => /^(GET|http\.request)/.test(name))).toHaveLength(USERS.length)
}

describe.each<[string, Order, Framework, Format, { preload?: boolean; env?: Record<string, string> }?]>([
  ['sentry', 'before ours', 'express', 'mjs', { preload: true }],
  ['sentry', 'after ours', 'express', 'cjs'],
  ['sentry', 'after ours', 'fastify', 'mjs'],
  ['opentelemetry', 'before ours', 'fastify', 'mjs'],
  ['opentelemetry', 'after ours', 'fastify', 'cjs', { preload: true }],
  ['opentelemetry', 'before ours', 'express', 'cjs'],
  ['datadog', 'before ours', 'express', 'cjs', { preload: true }],
  ['datadog', 'after ours', 'fastify', 'mjs'],
  ['elastic', 'before ours', 'express', 'cjs'],
  ['elastic', 'after ours', 'fastify', 'cjs', { preload: true }],
  ['datadog', 'after ours', 'express', 'cjs', { env: { DD_TRACE_OTEL_ENABLED: 'true' } }],
])('beside %s, started %s, in %s, as %s', (tracer, order, framework, format, options) => {
  it('both have whole traces of their own, and no span of the other', async () => {
    await run(tracer, order, framework, format, options)
    expect(ourTraces().sort()).toEqual(USERS.map(wholeTrace))
    expectTheirTracesWhole()
    expect(lines.filter(line => /langfuse: (?!GET)/.test(line)).join('')).toMatch(
      /^langfuse: tracing to [^\n]*\n$/,
    )
    if (tracer !== 'sentry') return
    // The user that each request has set is its own.
    expect(sink.errors.map(({ message, user }) => [message, user]).sort()).toEqual([
      ...USERS.map(user => [`asked by ${user}`, user]),
      ['no answer for eve', 'eve'],
    ])
  })
})

describe('sampling', () => {
  it('of theirs at 0 leaves our traces whole', async () => {
    await run('opentelemetry', 'before ours', 'express', 'cjs', { env: { PEER_RATE: '0' } })
    expect(ourTraces().sort()).toEqual(USERS.map(wholeTrace))
    expect(sink.spans).toEqual([])
  })

  it('of ours at 0, errors excepted, leaves theirs whole', async () => {
    await run('sentry', 'after ours', 'fastify', 'cjs', { env: { LANGFUSE_SAMPLE_RATE: '0' } })
    expect(ourTraces()).toEqual([wholeTrace('eve')])
    expectTheirTracesWhole()
  })
})

it('leaves Datadog alone, and says what to do, where it has replaced the SDK that we stand on', async () => {
  await run('datadog', 'before ours', 'express', 'cjs', { env: { DD_TRACE_OTEL_ENABLED: 'true' } })
  expect(inspector.traces()).toEqual([])
  expect(lines.join('')).toMatch(
    /not tracing: .*DD_TRACE_OTEL_ENABLED.*: start tracing before it, or unset that\n/,
  )
})
