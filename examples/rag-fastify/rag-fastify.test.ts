import { type Inspector, startInspector, type Trace } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

const refund = { question: 'How many days until a refund reaches my account?' }

describe('the Fastify RAG app', () => {
  let llm: Awaited<ReturnType<typeof startFakeLlm>>
  let inspector: Inspector
  let chat: Awaited<ReturnType<typeof startApp>>
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    llm = await startFakeLlm({ tokenDelayMs: 2 })
    inspector = await startInspector({ port: 0, settleMs: 50 })
    const env = {
      PATH: process.env.PATH,
      OPENAI_API_KEY: 'any',
      OPENAI_BASE_URL: llm.url,
      LANGFUSE_BASE_URL: inspector.url,
      LANGFUSE_PUBLIC_KEY: 'any',
      LANGFUSE_SECRET_KEY: 'any',
      LANGFUSE_FLUSH_INTERVAL: '0.05',
    }
    chat = await startApp('chat-express', { port: 0, env: { ...env, OTEL_SERVICE_NAME: 'chat' } })
    app = await startApp('rag-fastify', {
      port: 0,
      env: { ...env, OTEL_SERVICE_NAME: 'rag', CHAT_URL: chat.url },
    })
  })
  beforeEach(() => inspector.clear())
  afterAll(async () => {
    await Promise.all([app?.stop(), chat?.stop()])
    await inspector?.close()
    await llm?.close()
  })

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(app.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })

  it('answers from the document that fits, and records how it was found', async () => {
    const response = await post('/ask', refund, { 'x-user-id': 'alan', 'x-session-id': 's-1' })
    const { answer, traceId } = (await response.json()) as { answer: string; traceId: string }
    const trace = await inspector.waitForTrace(({ id }) => id === traceId)
    expect(answer).toContain('A refund reaches your account within five working days')
    expect(outline(trace)).toEqual([
      'POST /ask span',
      'retrieve-documents retriever',
      'embed embedding',
      'answer-from-documents generation',
    ])
    const [, retriever, embedding, generation] = trace.observations
    expect(retriever).toMatchObject({ input: refund.question, output: [{ id: 'refunds' }, {}, {}] })
    expect(embedding).toMatchObject({ parentId: retriever!.id, model: 'text-embedding-3-small' })
    expect(embedding!.tokens.input).toBeGreaterThan(0)
    expect(generation).toMatchObject({ output: { content: answer } })
    for (const observation of trace.observations) {
      expect(observation).toMatchObject({ userId: 'alan', sessionId: 's-1' })
    }
  })

  it('streams its answer, under a tag', async () => {
    const response = await post('/ask/stream', refund)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = (await response.text()).trim().split('\n\n')
    const trace = await inspector.waitForTrace('POST /ask/stream')
    expect(trace.output).toBe(events.map(event => JSON.parse(event.replace('data: ', ''))).join(''))
    expect(trace.tags).toEqual(['stream'])
    expect(trace.observations.at(-1)).toMatchObject({ name: 'answer-from-documents', level: 'DEFAULT' })
  })

  it('keeps work that goes on after the response in the trace', async () => {
    const response = await fetch(`${app.url}/reindex`, { method: 'POST' })
    expect(response.status).toBe(202)
    const trace = await inspector.waitForTrace('POST /reindex')
    expect(outline(trace)).toEqual([
      'POST /reindex span',
      'reindex chain',
      ...new Array(6).fill('embed embedding'),
    ])
    expect(trace.observations[1]!.endTimeMs).toBeGreaterThan(trace.root!.endTimeMs)
  })

  it('refuses what the schema refuses and what is not there, without an error', async () => {
    expect((await post('/ask', { question: '?' })).status).toBe(400)
    const refused = await inspector.waitForTrace('POST /ask')
    expect(refused.root).toMatchObject({
      level: 'WARNING',
      statusMessage: expect.stringContaining('question'),
    })
    expect((await fetch(`${app.url}/documents/none`)).status).toBe(404)
    const missing = await inspector.waitForTrace('GET /documents/:id')
    expect(missing).toMatchObject({ level: 'WARNING', statusCode: 404 })
  })

  it('records the error of a model, and answers without it', async () => {
    const response = await post('/ask', { ...refund, model: 'fake-error' })
    expect([response.status, await response.json()]).toEqual([502, { error: 'The model did not answer.' }])
    const trace = await inspector.waitForTrace('POST /ask')
    expect(trace.root!.statusMessage).toContain('overloaded')
    expect(trace.observations.at(-1)).toMatchObject({ name: 'answer-from-documents', level: 'ERROR' })
  })

  it('records that the model broke off in the middle of a stream', async () => {
    const response = await post('/ask/stream', { ...refund, model: 'fake-broken' })
    await expect(response.text()).rejects.toThrow('terminated')
    const { root } = await inspector.waitForTrace('POST /ask/stream')
    expect(root).toMatchObject({
      level: 'ERROR',
      statusMessage: 'TypeError: terminated',
      metadata: { end: 'stream_error' },
    })
  })

  it('is one trace with the chat app it asks, of one user and session', async () => {
    const headers = { 'x-user-id': 'alan', 'x-session-id': 's-2' }
    const response = await fetch(`${app.url}/documents/refunds/summary`, { method: 'POST', headers })
    const { summary } = (await response.json()) as { summary: string }
    expect(summary).toContain('In short')
    const trace = await inspector.waitForTrace(({ observations }) => observations.length === 3)
    expect(trace).toMatchObject({
      id: response.headers.get('x-langfuse-trace-id'),
      name: 'POST /documents/:id/summary',
    })
    expect(
      trace.observations.map(({ name, parentId, resource }) => [name, parentId, resource['service.name']]),
    ).toEqual([
      ['POST /documents/:id/summary', undefined, 'rag'],
      ['POST /chat', trace.root!.id, 'chat'],
      ['answer', trace.observations[1]!.id, 'chat'],
    ])
    for (const observation of trace.observations) {
      expect(observation).toMatchObject({ userId: 'alan', sessionId: 's-2' })
    }
  })

  it('records that the chat app could not be reached', async () => {
    await chat.stop()
    expect((await fetch(`${app.url}/documents/refunds/summary`, { method: 'POST' })).status).toBe(500)
    const trace = await inspector.waitForTrace('POST /documents/:id/summary')
    expect(trace.root).toMatchObject({
      level: 'ERROR',
      statusMessage: expect.stringContaining('fetch failed'),
    })
  })

  it('answers what is under way before it ends, sends the trace of it, and none of health checks', async () => {
    await fetch(`${app.url}/health`)
    const response = await post('/ask/stream', refund)
    const [[code]] = await Promise.all([app.stop(), response.text()])
    expect(code).toBe(0)
    // The generation whose stream broke off is ended only now: its trace has long been seen.
    expect(inspector.traces().filter(({ root }) => root)).toMatchObject([
      { name: 'POST /ask/stream', level: 'DEFAULT', statusCode: 200 },
    ])
  })
})

function outline({ observations }: Trace): string[] {
  return observations.map(({ name, type }) => `${name} ${type}`)
}
