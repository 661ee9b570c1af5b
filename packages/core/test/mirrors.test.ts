import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { startActiveObservation } from '@langfuse/tracing'
import { getTracing, type MirrorOptions, type TracingOptions } from '@langfuse-middleware/core'
import { createRequestTracer, within } from '@langfuse-middleware/core/adapter'
import { decodeSpans, type Message, toObject } from '../../delivery/test/support/otlp-decoder.ts'
import { ask, type FakeLlm, startFakeLlm } from './fake-llm.ts'

interface ReceivedSpan {
  readonly name: string
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT' | undefined
  readonly status: Message | undefined
  readonly attributes: Record<string, unknown>
}

interface Receiver {
  readonly url: string
  readonly headers: IncomingHttpHeaders[]
  /** All spans so far, by name. */
  spans(): Map<string, ReceivedSpan>
}

const KINDS: Readonly<Record<number, ReceivedSpan['kind']>> = { 1: 'INTERNAL', 2: 'SERVER', 3: 'CLIENT' }
const SECRET = 'where is the blue house'

let servers: Server[] = []
let llm: FakeLlm

beforeEach(async () => {
  llm = await startFakeLlm()
})

afterEach(async () => {
  await getTracing()?.shutdown({ timeoutMs: 200 })
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  servers = []
  await llm.close()
})

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An OTLP receiver, which refuses what it cannot decode. */
async function startReceiver(): Promise<Receiver> {
  const headers: IncomingHttpHeaders[] = []
  const received: Message[] = []
  const url = await listen(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    headers.push(request.headers)
    try {
      received.push(...decodeSpans(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body))
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    } catch {
      response.writeHead(400).end()
    }
  })
  return {
    url,
    headers,
    spans: () =>
      new Map(
        received.map(({ name, kind, status, attributes }) => [
          name,
          { name, kind: KINDS[kind], status, attributes: toObject(attributes) },
        ]),
      ),
  }
}

/** One request to an HTTP server that retrieves, calls a tool and asks an LLM. */
async function answerRequest(options: TracingOptions, { key }: { key?: string } = {}): Promise<void> {
  const tracer = createRequestTracer({
    logger: { info() {}, warn() {}, error() {} },
    publicKey: 'pk-lf-public',
    secretKey: 'sk-lf-secret',
    shutdown: { signals: false },
    identity: { userId: () => 'user-1', sessionId: () => 'session-1' },
    ...options,
  })
  const url = await listen((request, response) => {
    const traced = tracer.start(request)
    traced.endWith(response, () => '/houses/:id')
    within(traced.trace, async () => {
      await startActiveObservation(
        'search',
        async search => {
          search.update({ input: SECRET, output: [{ id: 'd1', content: `answer to ${SECRET}`, score: 0.5 }] })
        },
        { asType: 'retriever' },
      )
      await startActiveObservation(
        'planner',
        async agent => {
          agent.update({ input: SECRET })
          await startActiveObservation(
            'look-up',
            async tool => {
              tool.update({ input: { id: SECRET }, output: { street: SECRET } })
            },
            { asType: 'tool' },
          )
          await (
            await ask(
              llm.url,
              SECRET,
              { temperature: 0.2, max_tokens: 50 },
              key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
            )
          ).text()
        },
        { asType: 'agent' },
      )
      response.end('ok')
    })
  })
  await (await fetch(`${url}/houses/7?key=value`, { headers: { 'user-agent': 'test-agent' } })).text()
  await getTracing()?.flush()
}

/** What a mirror gets of one request. */
async function mirrored(mirror: Partial<MirrorOptions>, options: { key?: string } = {}): Promise<Receiver> {
  const receiver = await startReceiver()
  await answerRequest({ langfuse: false, mirrors: [{ url: receiver.url, ...mirror }] }, options)
  return receiver
}

/** The span with a name, without Langfuse's attributes. */
function named(receiver: Receiver, name: string): ReceivedSpan {
  const span = receiver.spans().get(name)
  if (span === undefined) throw new Error(`no span ${name} among ${[...receiver.spans().keys()]}`)
  const others = Object.entries(span.attributes).filter(([key]) => !key.startsWith('langfuse.'))
  return { ...span, attributes: Object.fromEntries(others) }
}

describe.each(['otel', 'datadog', 'tencent'] as const)('a mirror with the dialect %s', dialect => {
  it('gets the root as the server span of an HTTP request', async () => {
    const receiver = await mirrored({ dialect })
    const { kind, attributes } = named(receiver, 'GET /houses/:id')
    expect(kind).toBe('SERVER')
    expect(attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/houses/:id',
      'http.response.status_code': 200,
      'url.path': '/houses/7',
      'user_agent.original': 'test-agent',
    })
    expect(Object.keys(attributes).filter(name => name.startsWith('gen_ai.usage'))).toEqual([])
  })

  it('gets an LLM call as the client span of an inference', async () => {
    const receiver = await mirrored({ dialect })
    const { kind, attributes } = named(receiver, 'chat gpt-4.1-mini')
    expect(kind).toBe('CLIENT')
    expect(attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4.1-mini',
      'gen_ai.request.temperature': 0.2,
      'gen_ai.request.max_tokens': 50,
      'gen_ai.response.model': 'gpt-4.1-mini-2025-04-14',
      'gen_ai.response.id': 'chatcmpl-1-gpt-4.1-mini',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': SECRET.length,
      'gen_ai.usage.output_tokens': 7,
      'gen_ai.conversation.id': 'session-1',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(llm.url).port),
    })
    expect(JSON.parse(String(attributes['gen_ai.input.messages']))).toEqual([
      { role: 'user', parts: [{ type: 'text', content: SECRET }] },
    ])
    expect(JSON.parse(String(attributes['gen_ai.output.messages']))).toEqual([
      {
        role: 'assistant',
        parts: [{ type: 'text', content: `You said: ${SECRET}` }],
        finish_reason: 'stop',
      },
    ])
  })

  it('gets tools and agents by the operations of the conventions, and no usage on the agent', async () => {
    const receiver = await mirrored({ dialect })
    expect(named(receiver, 'execute_tool look-up')).toMatchObject({
      kind: 'INTERNAL',
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'look-up',
        'gen_ai.tool.call.arguments': JSON.stringify({ id: SECRET }),
        'gen_ai.tool.call.result': JSON.stringify({ street: SECRET }),
      },
    })
    const agent = named(receiver, 'invoke_agent planner')
    expect(agent.attributes).toMatchObject({ 'gen_ai.agent.name': 'planner' })
    expect(Object.keys(agent.attributes).join()).not.toContain('gen_ai.usage')
    expect(named(receiver, 'search').attributes).toMatchObject({ 'gen_ai.operation.name': 'retrieval' })
  })

  it('gets a failed call with its type of error', async () => {
    const receiver = await mirrored({ dialect }, { key: 'wrong' })
    const { status, attributes } = named(receiver, 'chat gpt-4.1-mini')
    expect(attributes['error.type']).toBe('401')
    expect(status).toMatchObject({ code: 2, message: expect.stringContaining('HTTP 401') })
  })
})

it('is otel by default, and keeps the names of Langfuse except internal ones', async () => {
  const receiver = await mirrored({})
  const root = receiver.spans().get('GET /houses/:id')
  expect(root?.kind).toBe('SERVER')
  expect(root?.attributes).toHaveProperty(['langfuse.observation.type'], 'span')
  const names = [...receiver.spans().values()].flatMap(({ attributes }) => Object.keys(attributes))
  expect(names.filter(name => name.startsWith('langfuse.internal.'))).toEqual([])
})

describe('the dialect datadog', () => {
  it('sends the header by which Datadog takes LLM spans, unless it is set', async () => {
    const receiver = await mirrored({ dialect: 'datadog', headers: { 'dd-api-key': 'key-1' } })
    expect(receiver.headers[0]).toMatchObject({ 'dd-otlp-source': 'llmobs', 'dd-api-key': 'key-1' })
    await getTracing()?.shutdown()
    const other = await mirrored({ dialect: 'datadog', headers: { 'DD-OTLP-Source': 'datadog' } })
    expect(other.headers[0]).toMatchObject({ 'dd-otlp-source': 'datadog' })
  })
})

describe('the dialect tencent', () => {
  it('adds the kinds, the entry, identities, contents and the sum of tokens', async () => {
    const receiver = await mirrored({ dialect: 'tencent' })
    const kinds = [
      'GET /houses/:id',
      'chat gpt-4.1-mini',
      'execute_tool look-up',
      'invoke_agent planner',
      'search',
    ]
    expect(kinds.map(name => named(receiver, name).attributes['gen_ai.span.kind'])).toEqual([
      'WORKFLOW',
      'GENERATION',
      'TOOL',
      'AGENT',
      'RETRIEVER',
    ])
    const entries = [...receiver.spans().values()].filter(one => one.attributes['gen_ai.is_entry'] === true)
    expect(entries.map(({ name }) => name)).toEqual(['GET /houses/:id'])
    expect(named(receiver, 'chat gpt-4.1-mini').attributes).toMatchObject({
      'gen_ai.session.id': 'session-1',
      'gen_ai.user.id': 'user-1',
      'gen_ai.usage.total_tokens': SECRET.length + 7,
      'gen_ai.entity.input': expect.stringContaining(SECRET),
      'gen_ai.entity.output': expect.stringContaining(SECRET),
    })
  })
})

describe('the dialect openinference', () => {
  it('describes every span by the kinds and names of OpenInference', async () => {
    const receiver = await mirrored({ dialect: 'openinference' })
    const kinds = ['GET /houses/:id', 'chat gpt-4.1-mini', 'look-up', 'planner', 'search']
    expect(kinds.map(name => named(receiver, name).attributes['openinference.span.kind'])).toEqual([
      'CHAIN',
      'LLM',
      'TOOL',
      'AGENT',
      'RETRIEVER',
    ])
    expect(named(receiver, 'chat gpt-4.1-mini').attributes).toMatchObject({
      'llm.model_name': 'gpt-4.1-mini-2025-04-14',
      'llm.provider': 'openai',
      'llm.invocation_parameters': JSON.stringify({ temperature: 0.2, max_tokens: 50 }),
      'llm.token_count.prompt': SECRET.length,
      'llm.token_count.completion': 7,
      'llm.token_count.total': SECRET.length + 7,
      'llm.input_messages.0.message.role': 'user',
      'llm.input_messages.0.message.content': SECRET,
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.content': `You said: ${SECRET}`,
      'input.mime_type': 'application/json',
      'session.id': 'session-1',
      'user.id': 'user-1',
    })
    expect(named(receiver, 'search').attributes).toMatchObject({
      'retrieval.documents.0.document.id': 'd1',
      'retrieval.documents.0.document.content': `answer to ${SECRET}`,
      'retrieval.documents.0.document.score': 0.5,
      'input.value': SECRET,
      'input.mime_type': 'text/plain',
    })
    expect(named(receiver, 'look-up').attributes).toMatchObject({ 'tool.name': 'look-up' })
    expect(named(receiver, 'GET /houses/:id').kind).toBe('SERVER')
  })
})

describe('contents: false', () => {
  it.each(['otel', 'datadog', 'openinference', 'tencent', 'langfuse'] as const)(
    'keeps inputs, outputs and error messages from a mirror with the dialect %s',
    async dialect => {
      const receiver = await mirrored({ dialect, contents: false }, { key: SECRET })
      expect(receiver.spans().size).toBe(5)
      expect(JSON.stringify([...receiver.spans().values()])).not.toContain(SECRET)
      const [call] = [...receiver.spans().values()].filter(({ name }) => name === 'chat gpt-4.1-mini')
      expect(call?.attributes).toMatchObject({ 'langfuse.observation.type': 'generation' })
      expect(call?.status?.message).toBeUndefined()
    },
  )

  it('concerns the one mirror, and neither Langfuse nor another mirror', async () => {
    const [target, silent, full] = [await startReceiver(), await startReceiver(), await startReceiver()]
    await answerRequest({
      baseUrl: target.url,
      mirrors: [{ url: silent.url, contents: false }, { url: full.url }],
    })
    const told = (receiver: Receiver) =>
      JSON.stringify([...receiver.spans().values()]).includes(`You said: ${SECRET}`)
    expect([target, silent, full].map(told)).toEqual([true, false, true])
  })
})

it("leaves Langfuse's copy as it is without mirrors, and the dialect langfuse sends the same", async () => {
  const [target, mirror] = [await startReceiver(), await startReceiver()]
  await answerRequest({
    baseUrl: target.url,
    mirrors: [{ url: mirror.url, dialect: 'langfuse' }, { url: (await startReceiver()).url }],
  })
  expect(target.spans()).toEqual(mirror.spans())
  const spans = [...target.spans().values()]
  expect(spans).toHaveLength(5)
  expect(new Set(spans.map(({ kind }) => kind))).toEqual(new Set(['INTERNAL']))
  const names = spans.flatMap(({ attributes }) => Object.keys(attributes))
  expect(names.filter(name => /^(?:gen_ai|http|url|error|llm|openinference)\./.test(name))).toEqual([])
  expect(names).toContain('langfuse.internal.is_app_root')
})

it('shows a mirror only what `mask` let pass', async () => {
  const receiver = await startReceiver()
  await answerRequest({
    langfuse: false,
    mask: ({ data }) => String(data).replaceAll(SECRET, '***').replaceAll('/houses/7', '/houses/***'),
    mirrors: [{ url: receiver.url }],
  })
  expect(JSON.stringify([...receiver.spans().values()])).not.toContain(SECRET)
  expect(named(receiver, 'GET /houses/:id').attributes['url.path']).toBe('/houses/***')
})
