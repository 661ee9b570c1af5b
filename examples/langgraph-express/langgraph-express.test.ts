import { type Inspector, startInspector, type Trace } from '@langfuse-middleware/inspector'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

describe('LangChain and LangGraph behind Express', () => {
  let llm: Awaited<ReturnType<typeof startFakeLlm>>
  let inspector: Inspector
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    llm = await startFakeLlm({ tokenDelayMs: 1 })
    inspector = await startInspector({ port: 0, settleMs: 50 })
    app = await startApp('langgraph-express', {
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
    expect(generations(trace)).toHaveLength(2)
    expect(trace.observations.filter(({ type }) => type === 'tool')).toMatchObject([{ name: 'lookup_order' }])
    for (const observation of trace.observations) {
      expect(observation).toMatchObject({ userId: 'ada', sessionId: 'session-1', tags: ['shop'] })
    }
    expect(trace.totals.models).toEqual(['gpt-4.1-mini'])
    expect(trace.totals.tokens.output).toBeGreaterThan(10)
  })

  it('records the same words that a chain streams', async () => {
    const response = await post('/summary', { text: 'Parcels take two days. They leave at noon.' })
    const text = await response.text()
    const trace = await inspector.waitForTrace('POST /summary')
    expect(text).toContain('In short')
    expect(trace.topLevel).toHaveLength(1)
    expect(JSON.stringify(generations(trace)[0]!.output)).toContain(text)
  })

  it("puts a user's feedback on the trace of the answer", async () => {
    const { traceId } = (await (await post('/agent', { message: 'Hello' })).json()) as { traceId: string }
    const response = await post('/feedback', { traceId, name: 'helpful', value: true, comment: 'thanks' })
    expect(response.status).toBe(202)
    const trace = await inspector.waitForTrace(one => one.id === traceId && one.scores.length > 0)
    expect(trace.scores).toMatchObject([{ name: 'helpful', value: 1, comment: 'thanks' }])
  })
})

function generations(trace: Trace) {
  return trace.observations.filter(({ type }) => type === 'generation')
}
