import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

describe('the Anthropic SDK behind Express', () => {
  let llm: Awaited<ReturnType<typeof startFakeLlm>>
  let inspector: Inspector
  let prompts: Server
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    llm = await startFakeLlm({ tokenDelayMs: 1 })
    inspector = await startInspector({ port: 0, settleMs: 50 })
    prompts = await startPrompts(inspector.url)
    app = await startApp('anthropic-express', {
      port: 0,
      env: {
        PATH: process.env.PATH,
        ANTHROPIC_API_KEY: 'any',
        ANTHROPIC_BASE_URL: new URL(llm.url).origin,
        LANGFUSE_BASE_URL: `http://127.0.0.1:${(prompts.address() as AddressInfo).port}`,
        LANGFUSE_PUBLIC_KEY: 'any',
        LANGFUSE_SECRET_KEY: 'any',
        LANGFUSE_FLUSH_INTERVAL: '0.05',
      },
    })
  })
  beforeEach(() => inspector.clear())
  afterAll(async () => {
    await app?.stop()
    prompts?.close()
    prompts?.closeAllConnections()
    await inspector?.close()
    await llm?.close()
  })

  const post = (path: string, body: object, signal?: AbortSignal) =>
    fetch(app.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user-id': 'ada', 'x-session-id': 'session-1' },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    })

  it('records the answer as a generation under the prompt it was made with', async () => {
    const response = await post('/chat', { message: 'What is a trace?' })
    const { answer, traceId } = (await response.json()) as { answer: string; traceId: string }
    const trace = await inspector.waitForTrace(one => one.id === traceId && one.scores.length > 0)
    expect(trace).toMatchObject({
      name: 'POST /chat',
      input: 'What is a trace?',
      output: answer,
      scores: [{ name: 'answer-length', value: answer.length }],
    })
    expect(trace.observations).toHaveLength(2)
    expect(trace.observations[1]).toMatchObject({
      type: 'generation',
      userId: 'ada',
      sessionId: 'session-1',
      tags: ['shop'],
      model: 'claude-haiku-4-5',
      prompt: { name: 'shop-assistant', version: 7 },
      name: 'anthropic.messages.create',
      input: [{ role: 'user', parts: [{ content: 'What is a trace?' }] }],
      output: [{ role: 'assistant', parts: [{ content: answer }] }],
    })
    expect(trace.observations[0]!.prompt).toBeUndefined()
    expect(trace.totals.tokens.output).toBeGreaterThan(10)
  })

  it('records the same words that it streams', async () => {
    const text = await (await post('/chat/stream', { message: 'What is a stream?' })).text()
    const trace = await inspector.waitForTrace('POST /chat/stream')
    expect(trace.output).toBe(text)
    expect(trace.observations[1]).toMatchObject({ output: [{ parts: [{ content: text }] }] })
    expect(trace.totals.tokens.output).toBeGreaterThan(10)
  })

  it('stops the model when the reader leaves, and records what was said until then', async () => {
    const leave = new AbortController()
    const response = await post(
      '/chat/stream',
      { message: 'Tell me more.', model: 'fake-slow' },
      leave.signal,
    )
    await response.body!.getReader().read()
    leave.abort()
    const trace = await inspector.waitForTrace('POST /chat/stream')
    expect(trace).toMatchObject({ metadata: { end: 'client_aborted' } })
    expect(JSON.stringify(trace.observations[1]!.output)).toContain('You')
  })

  it('records the failure of a model', async () => {
    expect((await post('/chat/stream', { message: 'Hello', model: 'fake-error' })).status).toBe(502)
    const trace = await inspector.waitForTrace('POST /chat/stream')
    expect(trace.observations[1]).toMatchObject({
      type: 'generation',
      level: 'ERROR',
      model: 'fake-error',
    })
  })

  it("puts a user's feedback on the trace of the answer", async () => {
    const { traceId } = (await (await post('/chat', { message: 'Hello' })).json()) as { traceId: string }
    expect((await post('/feedback', { traceId, name: 'helpful', value: false })).status).toBe(202)
    const trace = await inspector.waitForTrace(
      one => one.id === traceId && one.scores.some(({ name }) => name === 'helpful'),
    )
    expect(trace.scores.find(({ name }) => name === 'helpful')?.value).toBe(0)
  })
})

it("is in the request's trace beside a tracer provider of somebody else's, where it is told so", async () => {
  const llm = await startFakeLlm({ tokenDelayMs: 0 })
  const program = `
    import { Anthropic } from '@anthropic-ai/sdk'
    import { getLangfuseTracerProvider } from '@langfuse/tracing'
    import { initTracing, traceJob } from '@langfuse-middleware/core'
    import { trace } from '@opentelemetry/api'
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
    trace.setGlobalTracerProvider(new BasicTracerProvider())
    const seen = []
    const exporter = {
      export: (spans, done) => done({ code: seen.push(...spans) && 0 }),
      shutdown: async () => {},
    }
    const tracing = initTracing({ exporter })
    const openTelemetry = { tracerProvider: getLangfuseTracerProvider() }
    const anthropic = new Anthropic({ openTelemetry })
    const messages = [{ role: 'user', content: 'Hello' }]
    await traceJob('job', () => anthropic.messages.create({ model: 'fake', max_tokens: 9, messages }))
    await tracing.shutdown()
    const names = new Map(seen.map(span => [span.spanContext().spanId, span.name]))
    for (const span of seen) console.log(span.name, 'under', names.get(span.parentSpanContext?.spanId))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: __dirname,
    env: { PATH: process.env.PATH, ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: new URL(llm.url).origin },
  })
  await llm.close()
  expect(stdout).toContain('anthropic.messages.create under job')
})

/** Langfuse as it would be with one prompt in it: everything else is the inspector's. */
async function startPrompts(inspectorUrl: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith('/api/public/v2/prompts/shop-assistant')) {
      const prompt = { name: 'shop-assistant', version: 7, type: 'text', prompt: 'You sell teapots.' }
      response.writeHead(200, { 'content-type': 'application/json' })
      return response.end(JSON.stringify({ ...prompt, config: {}, labels: ['production'], tags: [] }))
    }
    const body: Buffer[] = []
    for await (const chunk of request) body.push(chunk)
    const { host, connection, 'content-length': length, ...headers } = request.headers
    const answer = await fetch(inspectorUrl + request.url, {
      method: request.method!,
      headers: headers as Record<string, string>,
      ...(body.length > 0 && { body: Buffer.concat(body) }),
    })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
