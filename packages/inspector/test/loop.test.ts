import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Inspector, type InspectorOptions, startInspector } from '../src/index.ts'
import { groupErrors, overTime, percentile, summariseBy } from '../src/reading/overview.ts'
import type { TraceSummary } from '../src/reading/trace-summary.ts'
import { postJson, sendSpans, traceId } from './span-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'inspector-'))
const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})
afterAll(() => rmSync(folder, { recursive: true }))

const start = async (options: InspectorOptions = {}): Promise<Inspector> => {
  const inspector = await startInspector({
    port: 0,
    settleMs: 10,
    datasets: join(folder, 'datasets'),
    ...options,
  })
  ends.push(() => inspector.close())
  return inspector
}

const getJson = async (url: string) => (await (await fetch(url)).json()) as Record<string, unknown>

const lines = async (response: Response): Promise<Record<string, unknown>[]> =>
  (await response.text())
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)

/** A server that streams an answer as OpenAI does, and refuses a wrong key. */
const startLlm = async (): Promise<{
  url: string
  seen: { headers: IncomingMessage['headers']; body: string }[]
}> => {
  const seen: { headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ headers: request.headers, body })
    if (request.headers.authorization !== 'Bearer right') {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end('{"error":{"message":"Incorrect API key provided"}}')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const content of ['It left', ' at noon.'])
      response.write(
        `data: ${JSON.stringify({ model: 'gpt-5-0801', choices: [{ delta: { content } }] })}\n\n`,
      )
    response.write('data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":4}}\n\n')
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  ends.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`, seen }
}

describe('a generation that is made again', () => {
  const of = { traceId: traceId('a'), observationId: '2'.padStart(16, '0') }
  const body = {
    model: 'gpt-5',
    messages: [{ role: 'user', content: 'Where is it?' }],
    temperature: 0.2,
    stream: true,
  }

  it('streams its answer, and each try is kept in one playground trace without the key', async () => {
    const [inspector, llm] = [await start(), await startLlm()]
    const again = async (): Promise<Record<string, unknown>[]> =>
      lines(
        await postJson(`${inspector.url}/api/replay/generation`, {
          url: `${llm.url}?key=hidden`,
          body,
          key: 'right',
          of,
        }),
      )
    const events = await again()
    expect(events.map(({ text }) => text ?? '').join('')).toBe('It left at noon.')
    expect(events.at(-1)).toMatchObject({ end: true, usage: { input: 12, output: 4 }, model: 'gpt-5-0801' })
    expect(JSON.parse(llm.seen[0]!.body)).toEqual(body)
    const second = await again()
    expect(second.at(-1)!.traceId).toBe(events.at(-1)!.traceId)
    const trace = inspector.trace(String(events.at(-1)!.traceId))!
    expect(trace).toMatchObject({ name: 'playground', tags: ['playground'] })
    expect(trace.root!.children).toMatchObject([
      {
        type: 'generation',
        model: 'gpt-5-0801',
        output: 'It left at noon.',
        tokens: { input: 12, output: 4 },
      },
      { type: 'generation' },
    ])
    expect(JSON.stringify(trace.root)).not.toMatch(/right|hidden/)
  })

  it('tells why it failed, and is kept as failed', async () => {
    const [inspector, llm] = [await start(), await startLlm()]
    const events = await lines(
      await postJson(`${inspector.url}/api/replay/generation`, { url: llm.url, body, key: 'wrong', of }),
    )
    expect(events.at(-1)).toMatchObject({ error: 'Incorrect API key provided' })
    expect(inspector.trace(String(events.at(-1)!.traceId))).toMatchObject({ level: 'ERROR' })
    const gone = await lines(
      await postJson(`${inspector.url}/api/replay/generation`, { url: 'http://127.0.0.1:9/x', body, of }),
    )
    expect(gone.at(-1)!.error).toMatch(/fetch failed/)
  })

  it('gets a key of the environment at the address of its provider alone', async () => {
    const before = process.env.OPENAI_API_KEY
    process.env.OPENAI_API_KEY = 'right'
    try {
      const [inspector, llm] = [await start(), await startLlm()]
      const variable = async (url: string): Promise<unknown> =>
        (await getJson(`${inspector.url}/api/replay/key?url=${encodeURIComponent(url)}`)).variable
      expect(await variable('https://api.openai.com/v1/chat/completions')).toBe('OPENAI_API_KEY')
      for (const url of [
        'http://api.openai.com/v1',
        'https://api.openai.com.evil.example/v1',
        'https://evil.example',
        'x',
      ])
        expect([url, await variable(url)]).toEqual([url, null])
      await lines(await postJson(`${inspector.url}/api/replay/generation`, { url: llm.url, body, of }))
      expect(llm.seen[0]!.headers.authorization).toBeUndefined()
    } finally {
      if (before === undefined) delete process.env.OPENAI_API_KEY
      else process.env.OPENAI_API_KEY = before
    }
  })

  it('is refused to other origins, without JSON, and where others reach the inspector', async () => {
    const inspector = await start()
    const exposed = await start({ host: '0.0.0.0', force: true })
    const post = async (url: string, headers: Record<string, string>): Promise<number> =>
      (await fetch(`${url}/api/replay/generation`, { method: 'POST', headers, body: '{}' })).status
    expect(
      await post(inspector.url, { 'content-type': 'application/json', origin: 'http://evil.example' }),
    ).toBe(403)
    expect(await post(inspector.url, { 'content-type': 'text/plain' })).toBe(415)
    expect(await post(`http://127.0.0.1:${exposed.port}`, { 'content-type': 'application/json' })).toBe(403)
  })
})

describe('a request that is sent again', () => {
  it('reaches the app as it is, and its answer comes back', async () => {
    const inspector = await start()
    const app = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      response
        .writeHead(201, { 'x-served': 'yes' })
        .end(`${request.method} ${request.url} ${request.headers['x-a']} ${body}`)
    })
    await new Promise<void>(resolve => app.listen(0, '127.0.0.1', () => resolve()))
    ends.push(() => app.close())
    const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}/chat?v=1`
    const sent = { method: 'POST', url, headers: { 'x-a': 'b' }, body: '{"q":1}' }
    const events = await lines(await postJson(`${inspector.url}/api/replay/request`, sent))
    expect(events[0]).toMatchObject({ status: 201, headers: { 'x-served': 'yes' } })
    expect(events.map(({ text }) => text ?? '').join('')).toBe('POST /chat?v=1 b {"q":1}')
    const wrong = await lines(
      await postJson(`${inspector.url}/api/replay/request`, { ...sent, url: 'file:///etc/passwd' }),
    )
    expect(wrong.at(-1)!.error).toMatch(/must be an http or https URL/)
  })
})

describe('a dataset file', () => {
  it('gets the request of a trace as an item, its answer as what is expected', async () => {
    const inspector = await start()
    await sendSpans(inspector.url, {
      name: 'POST /chat',
      attributes: {
        'langfuse.observation.input': '{"question":"Where is it?"}',
        'langfuse.observation.output': '{"answer":"There."}',
        'langfuse.observation.metadata.path': '/chat',
        'langfuse.observation.metadata.query': '{"lang":"en"}',
        'langfuse.observation.metadata.requestHeaders': '{"x-tenant":"t"}',
      },
    })
    await sendSpans(inspector.url, {
      trace: 'b',
      name: 'POST /chat',
      attributes: { 'langfuse.observation.input': '{"method":"POST","path":"/chat"}' },
    })
    const save = (trace: string, dataset: string, withOutput: boolean): Promise<Response> =>
      postJson(`${inspector.url}/api/traces/${traceId(trace)}/dataset`, { dataset, withOutput })
    expect((await save('a', 'questions', true)).status).toBe(200)
    expect(await (await save('b', 'questions', false)).json()).toMatchObject({
      remark: expect.stringContaining('not captured'),
    })
    const [first, second] = readFileSync(join(folder, 'datasets', 'questions.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as object)
    expect(first).toEqual({
      id: traceId('a'),
      input: {
        method: 'POST',
        path: '/chat',
        headers: { 'x-tenant': 't' },
        query: { lang: 'en' },
        body: { question: 'Where is it?' },
      },
      expectedOutput: { answer: 'There.' },
      metadata: { traceId: traceId('a'), name: 'POST /chat' },
    })
    expect(second).toEqual({
      id: traceId('b'),
      input: { method: 'POST', path: '/chat' },
      metadata: { traceId: traceId('b'), name: 'POST /chat' },
    })
    expect(await getJson(`${inspector.url}/api/datasets`)).toEqual({
      datasets: [{ name: 'questions', items: 2 }],
    })
    for (const name of ['../up', 'a/b', '', '.hidden']) expect((await save('a', name, true)).status).toBe(400)
    expect((await save('f', 'questions', true)).status).toBe(404)
  })
})

describe('a turn of a conversation', () => {
  it('has question and answer of the root, or else of its generations', async () => {
    const inspector = await start()
    await sendSpans(
      inspector.url,
      {
        name: 'POST /chat',
        attributes: { 'langfuse.observation.input': '{"method":"POST","path":"/chat"}' },
      },
      {
        id: '2',
        parent: '1',
        attributes: {
          'langfuse.observation.type': 'generation',
          'langfuse.observation.input':
            '[{"role":"system","content":"be brief"},{"role":"user","content":"Where?"}]',
          'langfuse.observation.output': '{"role":"assistant","content":"There."}',
        },
      },
    )
    expect(await getJson(`${inspector.url}/api/traces/${traceId('a')}/turn`)).toEqual({
      question: 'Where?',
      answer: 'There.',
    })
  })
})

describe('an overview', () => {
  const trace = (number: number, more: Partial<TraceSummary> = {}): TraceSummary => ({
    id: String(number),
    name: 'POST /chat',
    level: 'DEFAULT',
    startTimeMs: 1_767_225_600_000 + number * 1_000,
    endTimeMs: 0,
    durationMs: number,
    tags: [],
    environment: 'default',
    totals: { tokens: { input: 0, output: 0, total: 10 }, cost: 0.5, models: [] },
    scores: [],
    observationCount: 1,
    runningCount: 0,
    settled: true,
    revision: 1,
    ...more,
  })
  const traces = Array.from({ length: 100 }, (_, index) =>
    trace(index + 1, index % 10 === 0 ? { level: 'ERROR', errorMessage: `order ${index} is missing` } : {}),
  )

  it('has counts, error rates and percentiles of each group', () => {
    expect(summariseBy('route', [...traces, trace(5, { name: 'GET /', firstTokenMs: 3 })])).toEqual([
      { key: 'POST /chat', count: 100, errors: 10, p50: 50, p95: 95, p99: 99, tokens: 1_000, cost: 50 },
      { key: 'GET /', count: 1, errors: 0, p50: 5, p95: 5, p99: 5, firstToken: 3, tokens: 10, cost: 0.5 },
    ])
    expect(percentile([], 50)).toBe(0)
    const calls = [
      { model: 'a', durationMs: 10, input: 1, output: 2, cost: 0.1, firstTokenMs: 4 },
      { model: 'b', durationMs: 20, input: 3, output: 4, cost: 0.2, failed: true as const },
    ]
    expect(summariseBy('model', [trace(1, { calls })])).toMatchObject([
      { key: 'a', count: 1, errors: 0, tokens: 3, firstToken: 4 },
      { key: 'b', errors: 1, tokens: 7 },
    ])
  })

  it('has requests over time, and errors that differ by numbers alone as one', () => {
    const { stepMs, buckets } = overTime(traces)
    expect(stepMs).toBe(5_000)
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(100)
    expect(buckets.reduce((sum, { errors }) => sum + errors, 0)).toBe(10)
    expect(groupErrors(traces)).toEqual([
      { message: 'order 90 is missing', count: 10, lastMs: traces[90]!.startTimeMs, traceId: '91' },
    ])
    expect(overTime([]).buckets).toEqual([])
  })
})

describe('costs that a sender left out', () => {
  const call = {
    'langfuse.observation.type': 'generation',
    'langfuse.observation.model.name': 'openai/gpt-4o-2024-08-06',
    'langfuse.observation.usage_details': '{"input":1000,"output":100}',
  }

  it('are computed from the price table, and marked', async () => {
    const inspector = await start()
    await sendSpans(
      inspector.url,
      { attributes: call },
      { id: '2', parent: '1', attributes: { ...call, 'langfuse.observation.cost_details': '{"total":1}' } },
    )
    const { root } = inspector.trace(traceId('a'))!
    expect(root).toMatchObject({ costEstimated: true, costDetails: { input: 0.0025, output: 0.001 } })
    expect(root!.children[0]).toMatchObject({ cost: 1 })
    expect(root!.children[0]).not.toHaveProperty('costEstimated')
  })

  it('are computed from a table of the user, in the form of Langfuse too', async () => {
    const data = [
      {
        modelName: 'own',
        matchPattern: '(?i)^OPENAI/',
        prices: { input: { price: 0.001 }, output: { price: 0 } },
      },
    ]
    const inspector = await start({ prices: { data } as never })
    await sendSpans(inspector.url, { attributes: call })
    expect(inspector.trace(traceId('a'))!.totals.cost).toBeCloseTo(1)
    await expect(startInspector({ port: 0, prices: '/nowhere.json' })).rejects.toMatchObject({
      code: 'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
    })
    await expect(
      startInspector({ port: 0, prices: { models: [{ modelName: 'x' }] } as never }),
    ).rejects.toThrow(/matchPattern/)
  })
})

describe('a coding assistant', () => {
  it('lists, searches and reads traces, and sees the latest errors, by the Model Context Protocol', async () => {
    const inspector = await start()
    const startMs = Date.now() - 1_767_225_600_000
    await sendSpans(
      inspector.url,
      { name: 'GET /fine', startMs },
      {
        trace: 'b',
        name: 'POST /chat',
        startMs,
        attributes: {
          'langfuse.observation.level': 'ERROR',
          'langfuse.observation.status_message': 'model overloaded',
          'langfuse.observation.input': 'a secret needle',
        },
      },
    )
    const cli = join(__dirname, '..', 'dist', 'cli.cjs')
    const child = spawn(process.execPath, [cli, 'mcp', '--port', String(inspector.port)], { stdio: 'pipe' })
    ends.push(() => child.kill())
    const answers = new Map<number, (answer: Record<string, unknown>) => void>()
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\n')
      rest = messages.pop()!
      for (const message of messages) {
        const answer = JSON.parse(message) as { id: number; result: Record<string, unknown> }
        answers.get(answer.id)?.(answer.result)
      }
    })
    let id = 0
    const ask = (method: string, params: object): Promise<Record<string, unknown>> => {
      id += 1
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
      return new Promise(resolve => answers.set(id, resolve))
    }
    await ask('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    })
    child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    const { tools } = (await ask('tools/list', {})) as { tools: { name: string; annotations: object }[] }
    expect(tools.map(({ name }) => name)).toEqual([
      'list_traces',
      'search_traces',
      'get_trace',
      'recent_errors',
    ])
    for (const { annotations } of tools) expect(annotations).toMatchObject({ readOnlyHint: true })
    const call = async (name: string, given: object): Promise<Record<string, unknown>> => {
      const { content } = (await ask('tools/call', { name, arguments: given })) as {
        content: { text: string }[]
      }
      return JSON.parse(content[0]!.text) as Record<string, unknown>
    }
    expect(((await call('list_traces', {})) as { traces: object[] }).traces).toHaveLength(2)
    for (const [name, given] of [
      ['search_traces', { query: 'needle -fine' }],
      ['recent_errors', { minutes: 5 }],
    ] as const) {
      expect(await call(name, given)).toMatchObject({
        traces: [{ name: 'POST /chat', errorMessage: 'model overloaded' }],
      })
    }
    expect(await call('get_trace', { id: traceId('b') })).toMatchObject({
      observations: [{ input: 'a secret needle' }],
    })
    await inspector.close()
    const { isError, content } = (await ask('tools/call', { name: 'list_traces', arguments: {} })) as {
      isError: boolean
      content: { text: string }[]
    }
    expect([isError, content[0]!.text]).toEqual([
      true,
      expect.stringContaining('npx @langfuse-middleware/inspector'),
    ])
  })
})
