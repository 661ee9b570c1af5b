import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

describe('The AI SDK behind Fastify', () => {
  let llm: Awaited<ReturnType<typeof startFakeLlm>>
  let inspector: Inspector
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    llm = await startFakeLlm({ tokenDelayMs: 1 })
    inspector = await startInspector({ port: 0, settleMs: 50 })
    app = await startApp('ai-sdk-fastify', {
      port: 0,
      env: {
        PATH: process.env.PATH,
        OPENAI_API_KEY: 'any',
        OPENAI_BASE_URL: llm.url,
        LANGFUSE_BASE_URL: inspector.url,
        LANGFUSE_PUBLIC_KEY: 'any',
        LANGFUSE_SECRET_KEY: 'any',
        LANGFUSE_FLUSH_INTERVAL: '0.05',
      },
    })
  })
  beforeEach(() => inspector.clear())
  afterAll(async () => {
    await app?.stop()
    await inspector?.close()
    await llm?.close()
  })

  const post = (path: string, body: object) =>
    fetch(app.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user-id': 'ada', 'x-session-id': 'session-1' },
      body: JSON.stringify(body),
    })

  it('nests every step of the agent under its request, with user, session and tags', async () => {
    const response = await post('/agent', { message: 'Where is order 1042?' })
    const { answer, traceId } = (await response.json()) as { answer: string; traceId: string }
    const trace = await inspector.waitForTrace(traceId)
    expect(answer).toContain('shipped')
    expect(trace).toMatchObject({ name: 'POST /agent', input: 'Where is order 1042?', output: answer })
    expect(trace.topLevel).toHaveLength(1)
    expect(trace.observations.map(({ name }) => name)).toEqual([
      'POST /agent',
      'invoke_agent gpt-4.1-mini',
      'step 1',
      'chat gpt-4.1-mini',
      'lookup_order',
      'step 2',
      'chat gpt-4.1-mini',
    ])
    for (const observation of trace.observations) {
      expect(observation).toMatchObject({ userId: 'ada', sessionId: 'session-1', tags: ['shop'] })
    }
    const calls = trace.observations.filter(({ name }) => name === 'chat gpt-4.1-mini')
    expect(calls[1]!.tokens.output).toBeGreaterThan(10)
    // Each token once, although the agent's observation has the sum of those below it.
    expect(trace.metadata).toMatchObject({
      generations: '2',
      totalTokens: String(calls[0]!.tokens.total + calls[1]!.tokens.total),
    })
  })

  it('records what is streamed, and leaves out the input where that is switched off', async () => {
    const response = await post('/summary', { text: 'Parcels take two days. They leave at noon.' })
    const text = await response.text()
    const trace = await inspector.waitForTrace('POST /summary')
    expect(text).toContain('In short')
    expect(trace.topLevel).toHaveLength(1)
    expect(JSON.stringify(trace.observations.map(({ output }) => output))).toContain(text)
    expect(JSON.stringify(trace.observations.map(({ attributes }) => attributes))).not.toContain('Summarise')
  })

  it("puts a user's feedback on the trace of the answer", async () => {
    const { traceId } = (await (await post('/agent', { message: 'Hello' })).json()) as { traceId: string }
    const response = await post('/feedback', { traceId, name: 'helpful', value: true, comment: 'thanks' })
    expect(response.status).toBe(202)
    const trace = await inspector.waitForTrace(one => one.id === traceId && one.scores.length > 0)
    expect(trace.scores).toMatchObject([{ name: 'helpful', value: 1, comment: 'thanks' }])
  })
})
