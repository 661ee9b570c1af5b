import { type Inspector, startInspector, type Trace } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

describe('the Express chat app', () => {
  let llm: Awaited<ReturnType<typeof startFakeLlm>>
  let inspector: Inspector
  let rag: Awaited<ReturnType<typeof startApp>>
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
    rag = await startApp('rag-fastify', { port: 0, env: { ...env, OTEL_SERVICE_NAME: 'rag' } })
    app = await startApp('chat-express', {
      port: 0,
      env: { ...env, OTEL_SERVICE_NAME: 'chat', RAG_URL: rag.url },
    })
  })
  beforeEach(() => inspector.clear())
  afterAll(async () => {
    await Promise.all([app?.stop(), rag?.stop()])
    await inspector?.close()
    await llm?.close()
  })

  const post = (path: string, body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(app.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    })

  it('answers, and names the trace in which the question, the answer and the tokens are', async () => {
    const response = await post(
      '/chat',
      { message: 'What is a trace?' },
      { authorization: 'Bearer token-of-ada' },
    )
    const { answer, traceId } = (await response.json()) as { answer: string; traceId: string }
    const trace = await inspector.waitForTrace(({ id }) => id === traceId)
    expect(answer).toContain('fake')
    expect(trace).toMatchObject({
      name: 'POST /chat',
      statusCode: 200,
      userId: 'ada',
      input: 'What is a trace?',
      output: answer,
    })
    expect(outline(trace)).toEqual(['POST /chat span', 'answer generation'])
    expect(trace.observations[1]).toMatchObject({
      userId: 'ada',
      model: 'gpt-4.1-mini',
      output: { content: answer },
    })
    expect(trace.totals.tokens.output).toBeGreaterThan(10)
  })

  it('streams the same words that it records', async () => {
    const response = await post('/chat/stream', { message: 'What is a stream?' })
    const events = (await response.text()).trim().split('\n\n')
    const spoken = events.map(event => JSON.parse(event.replace('data: ', ''))).join('')
    const trace = await inspector.waitForTrace('POST /chat/stream')
    expect(trace.output).toBe(spoken)
    expect(trace.observations[1]).toMatchObject({ output: spoken, tokens: { total: expect.any(Number) } })
    expect(trace.observations[1]!.completionStartTimeMs).toBeLessThan(trace.observations[1]!.endTimeMs)
  })

  it('stops the model when the reader leaves, and records what was said until then', async () => {
    const leave = new AbortController()
    const response = await post(
      '/chat/stream',
      { message: 'Tell me more.', model: 'fake-slow' },
      {},
      leave.signal,
    )
    await response.body!.getReader().read()
    leave.abort()
    const trace = await inspector.waitForTrace('POST /chat/stream')
    expect(trace).toMatchObject({ level: 'WARNING', statusCode: 200, metadata: { end: 'client_aborted' } })
    expect(outline(trace)).toEqual(['POST /chat/stream span', 'answer generation'])
    expect(String(trace.observations[1]!.output)).toMatch(/^You/)
    while (llm.stats().active > 0) await new Promise(resolve => setImmediate(resolve))
    expect(llm.stats().aborted).toBe(1)
  })

  it('lets an agent use its tools, each one an observation with what went in and came out', async () => {
    const response = await post('/agent', {
      message: 'Where is order 1042, and when is its delivery to Berlin?',
    })
    const { answer } = (await response.json()) as { answer: string }
    const trace = await inspector.waitForTrace('POST /agent')
    const agent = trace.root!.children[0]!
    expect(answer).toContain('the days is 2')
    expect(agent).toMatchObject({ type: 'agent', output: answer })
    expect(agent.children.map(({ name }) => name).sort()).toEqual([
      'answer',
      'answer',
      'estimate_delivery',
      'lookup_order',
    ])
    expect(agent.children.find(({ type }) => type === 'tool')).toMatchObject({
      input: { orderId: '1042' },
      output: { status: 'shipped' },
    })
  })

  it('is one trace with the RAG app it asks, of one user and session', async () => {
    const response = await post(
      '/tenants/acme/ask',
      { question: 'How long is the warranty?' },
      { authorization: 'Bearer token-of-ada', 'x-session-id': 's-1' },
    )
    const { answer, traceId } = (await response.json()) as { answer: string; traceId: string }
    expect(answer).toContain('a warranty of two years')
    expect(response.headers.get('x-langfuse-trace-id')).toBe(traceId)
    const trace = await inspector.waitForTrace(({ observations }) => observations.length === 5)
    expect(trace).toMatchObject({ id: traceId, name: 'POST /tenants/:tenant/ask' })
    expect(outline(trace)).toEqual([
      'POST /tenants/:tenant/ask span',
      'POST /ask span',
      'retrieve-documents retriever',
      'embed embedding',
      'answer-from-documents generation',
    ])
    const [root, asked, ...below] = trace.observations
    expect(asked!.parentId).toBe(root!.id)
    expect(below.map(({ parentId }) => parentId)).toEqual([asked!.id, below[0]!.id, asked!.id])
    expect(trace.observations.map(({ resource }) => resource['service.name'])).toEqual([
      'chat',
      ...new Array(4).fill('rag'),
    ])
    for (const observation of trace.observations) {
      expect(observation).toMatchObject({ userId: 'ada', sessionId: 's-1' })
    }
  })

  it('records the error of a model and of a bug, and answers without it', async () => {
    const refused = await post('/chat', { message: 'Hello?', model: 'fake-error' })
    expect([refused.status, await refused.json()]).toEqual([502, { error: 'The model did not answer.' }])
    const model = await inspector.waitForTrace('POST /chat')
    expect(model.observations.map(({ level }) => level)).toEqual(['ERROR', 'ERROR'])
    expect(model.root!.statusMessage).toContain('overloaded')

    const broken = await fetch(`${app.url}/tenants/acme/invoices/1999-01`)
    expect([broken.status, await broken.json()]).toEqual([500, { error: 'Something went wrong here.' }])
    const bug = await inspector.waitForTrace('GET /tenants/:tenant/invoices/:month')
    expect(bug.root).toMatchObject({ level: 'ERROR', statusMessage: expect.stringContaining('TypeError') })
  })

  it('records that the model broke off in the middle of a stream', async () => {
    const response = await post('/chat/stream', { message: 'Tell me more.', model: 'fake-broken' })
    await expect(response.text()).rejects.toThrow('terminated')
    const { root } = await inspector.waitForTrace('POST /chat/stream')
    expect(root).toMatchObject({
      level: 'ERROR',
      statusMessage: 'TypeError: terminated',
      metadata: { end: 'stream_error' },
    })
  })

  it('turns away what it cannot use, without an error', async () => {
    expect((await post('/chat', {})).status).toBe(400)
    expect((await post('/chat', {}, { authorization: 'Bearer token-of-nobody' })).status).toBe(401)
    const malformed = await fetch(`${app.url}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    expect(malformed.status).toBe(400)
    expect((await fetch(`${app.url}/tenants/acme/invoices/2026-10`)).status).toBe(200)
    await inspector.waitForTrace('GET /tenants/:tenant/invoices/:month')
    expect(inspector.traces().map(({ level }) => level)).not.toContain('ERROR')
  })

  it('answers what is under way before it ends, sends the trace of it, and none of health checks', async () => {
    await fetch(`${app.url}/health`)
    const response = await post('/chat/stream', { message: 'The last one' })
    const [[code]] = await Promise.all([app.stop(), response.text()])
    expect(code).toBe(0)
    // The generation whose stream broke off is ended only now: its trace has long been seen.
    expect(inspector.traces().filter(({ root }) => root)).toMatchObject([
      { name: 'POST /chat/stream', level: 'DEFAULT', statusCode: 200 },
    ])
  })
})

function outline({ observations }: Trace): string[] {
  return observations.map(({ name, type }) => `${name} ${type}`)
}
