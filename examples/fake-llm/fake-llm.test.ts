import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Anthropic } from '@anthropic-ai/sdk'
import { OpenAI } from 'openai'
import { startFakeLlm } from './fake-llm.mjs'

const question = [{ role: 'user' as const, content: 'Where is order 1042, and is there rain in Berlin?' }]
const tools = [
  tool('lookup_order', 'Status of an order', 'orderId'),
  tool('weather', 'Rain and sun in a city', 'city'),
  tool('play_music', 'Plays a song', 'title'),
]

describe('the fake LLM', () => {
  let llm: Awaited<ReturnType<typeof startFakeLlm>>
  let openai: OpenAI

  beforeEach(async () => {
    llm = await startFakeLlm({ tokenDelayMs: 1 })
    openai = new OpenAI({ apiKey: 'any', baseURL: llm.url, maxRetries: 0 })
  })
  afterEach(() => llm.close())

  it('says the same words to the same question, streamed or not, and counts the same tokens', async () => {
    const whole = await openai.chat.completions.create({ model: 'fake', messages: question })
    const stream = await openai.chat.completions.create({
      model: 'fake',
      messages: question,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await collect(stream)
    expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0]?.message.content,
    )
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)?.usage).toEqual(whole.usage)
    expect(whole.usage?.total_tokens).toBe(whole.usage!.prompt_tokens + whole.usage!.completion_tokens)
  })

  it('sends no usage in a stream that did not ask for it', async () => {
    const stream = await openai.chat.completions.create({
      model: 'fake',
      messages: question,
      stream: true,
    })
    for await (const chunk of stream) expect(chunk.usage ?? null).toBeNull()
  })

  it('stops at max_completion_tokens and says so', async () => {
    const completion = await openai.chat.completions.create({
      model: 'fake',
      messages: question,
      max_completion_tokens: 3,
    })
    expect(completion.choices[0]?.finish_reason).toBe('length')
    expect(completion.usage?.completion_tokens).toBe(3)
  })

  it('calls the tools that fit, then answers from their results', async () => {
    const asked = await openai.chat.completions.create({ model: 'fake', messages: question, tools })
    const message = asked.choices[0]!.message
    expect(asked.choices[0]?.finish_reason).toBe('tool_calls')
    expect(message.tool_calls).toMatchObject([
      { function: { name: 'lookup_order', arguments: '{"orderId":"1042"}' } },
      { function: { name: 'weather', arguments: '{"city":"Berlin"}' } },
    ])
    const results = message.tool_calls!.map(call => ({
      role: 'tool' as const,
      tool_call_id: call.id,
      content: `{"result of ${call.type === 'function' && call.function.name}":"good"}`,
    }))
    const answered = await openai.chat.completions.create({
      model: 'fake',
      messages: [...question, message, ...results],
      tools,
    })
    expect(answered.choices[0]?.finish_reason).toBe('stop')
    expect(answered.choices[0]?.message.content).toContain('result of weather is good')
  })

  it('streams tool calls whose pieces join to the same arguments', async () => {
    const runner = openai.chat.completions.stream({ model: 'fake', messages: question, tools })
    const message = await runner.finalMessage()
    expect(message.tool_calls).toMatchObject([
      { function: { name: 'lookup_order', arguments: '{"orderId":"1042"}' } },
      { function: { name: 'weather', arguments: '{"city":"Berlin"}' } },
    ])
  })

  it('answers a question about given documents with the sentence that fits', async () => {
    const documents = '[1] Cats sleep. They purr.\n[2] Refunds take five days. Returns are free.'
    const completion = await openai.chat.completions.create({
      model: 'fake',
      messages: [
        { role: 'system', content: documents },
        { role: 'user', content: 'How many days does a refund take?' },
      ],
    })
    expect(completion.choices[0]?.message.content).toBe(
      'According to the documents: “Refunds take five days.” [2]',
    )
  })

  it('embeds texts with common words close together, as floats and as base64', async () => {
    const input = ['Refunds take five days.', 'How long does a refund take?', 'Cats purr.']
    const floats = await openai.embeddings.create({
      model: 'fake-embedding',
      input,
      encoding_format: 'float',
    })
    const decoded = await openai.embeddings.create({ model: 'fake-embedding', input })
    const [refunds, refund, cats] = floats.data.map(({ embedding }) => embedding)
    expect(dot(refunds!, refund!)).toBeGreaterThan(dot(refunds!, cats!))
    expect(dot(refunds!, refunds!)).toBeCloseTo(1)
    expect(decoded.data[1]?.embedding[7]).toBeCloseTo(refund![7]!)
    expect(floats.usage.prompt_tokens).toBeGreaterThan(0)
  })

  it('answers /v1/responses, streamed or not', async () => {
    const whole = await openai.responses.create({ model: 'fake', input: 'Hello there' })
    const events = await collect(
      await openai.responses.create({ model: 'fake', input: 'Hello there', stream: true }),
    )
    const text = events
      .map(event => (event.type === 'response.output_text.delta' ? event.delta : ''))
      .join('')
    expect(text).toBe(whole.output_text)
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { usage: whole.usage } })
  })

  it("answers as Anthropic's API does, streamed or not, with the same words and tools", async () => {
    const anthropic = new Anthropic({ apiKey: 'any', baseURL: new URL(llm.url).origin, maxRetries: 0 })
    const asked = {
      model: 'fake',
      max_tokens: 200,
      messages: [{ role: 'user' as const, content: 'What is a trace?' }],
    }
    const whole = await anthropic.messages.create(asked)
    expect(whole).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text' }] })
    expect(await anthropic.messages.stream(asked).finalMessage()).toMatchObject({
      content: whole.content,
      usage: whole.usage,
    })

    const { name, description, parameters } = tools[0]!.function
    const withTool = {
      ...asked,
      messages: [question[0]!],
      tools: [{ name, description, input_schema: { ...parameters, type: 'object' as const } }],
    }
    const called = await anthropic.messages.stream(withTool).finalMessage()
    expect(called).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'lookup_order', input: { orderId: '1042' } }],
    })
    const result = { type: 'tool_result' as const, tool_use_id: 'any', content: '{"status":"shipped"}' }
    const answered = await anthropic.messages.create({
      ...withTool,
      messages: [
        question[0]!,
        { role: 'assistant', content: called.content },
        { role: 'user', content: [result] },
      ],
    })
    expect(answered.content).toMatchObject([{ type: 'text', text: expect.stringContaining('shipped') }])
  })

  it('stops generating when the client leaves a stream', async () => {
    await llm.close()
    llm = await startFakeLlm({ tokenDelayMs: 20 })
    openai = new OpenAI({ apiKey: 'any', baseURL: llm.url })
    const stream = await openai.chat.completions.create({
      model: 'fake',
      messages: question,
      stream: true,
    })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    await until(() => llm.stats().active === 0)
    expect(llm.stats()).toMatchObject({ aborted: 1, completed: 0, failed: 0 })
    expect(llm.stats().tokensSent).toBeLessThan(20)
  })

  it('stops waiting for a model that never answers when the client leaves', async () => {
    const leave = new AbortController()
    const answer = openai.chat.completions.create(
      { model: 'fake-silent', messages: question },
      { signal: leave.signal },
    )
    await until(() => llm.stats().active === 1)
    leave.abort()
    await expect(answer).rejects.toThrow('aborted')
    await until(() => llm.stats().active === 0)
    expect(llm.stats().aborted).toBe(1)
  })

  it.each([
    ['fake-error', { status: 500 }],
    ['fake-rate-limit', { status: 429, code: 'rate_limit_exceeded' }],
  ])('fails as %s does', async (model, error) => {
    await expect(openai.chat.completions.create({ model, messages: question })).rejects.toMatchObject(error)
    expect(llm.stats()).toMatchObject({ requests: 1, failed: 1 })
  })

  it('says how long to wait when the rate limit is reached', async () => {
    const error = await openai.chat.completions
      .create({ model: 'fake-rate-limit', messages: question })
      .catch(error => error)
    expect(error.headers.get('retry-after')).toBe('1')
  })

  it('breaks a stream off in the middle as fake-broken does', async () => {
    const stream = await openai.chat.completions.create({
      model: 'fake-broken',
      messages: question,
      stream: true,
    })
    await expect(collect(stream)).rejects.toThrow('terminated')
    expect(llm.stats()).toMatchObject({ failed: 1, tokensSent: 6 })
  })

  it('refuses what OpenAI refuses', async () => {
    const post = (path: string, body: string) => fetch(llm.url + path, { method: 'POST', body })
    expect((await post('/chat/completions', 'not json')).status).toBe(400)
    expect((await post('/chat/completions', '{"messages":[]}')).status).toBe(400)
    expect((await post('/chat/completions', '{"model":"fake"}')).status).toBe(400)
    expect((await post('/chat/completions', `"${'x'.repeat(5_000_000)}"`)).status).toBe(413)
    expect((await post('/elsewhere', '{}')).status).toBe(404)
    expect((await fetch(`${llm.url}/models`)).status).toBe(200)
  })
})

describe('the fake LLM as a script', () => {
  let child: ChildProcess
  afterEach(() => child.kill())

  it('says where it listens and counts its requests for anyone who asks', async () => {
    child = spawn(process.execPath, [`${__dirname}/server.mjs`], { env: { ...process.env, PORT: '0' } })
    const [line] = await once(createInterface(child.stdout!), 'line')
    const url = /OPENAI_BASE_URL=([^,]+)/.exec(line)?.[1]
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
    await fetch(`${url}/models`)
    const stats = await fetch(new URL('/stats', url))
    expect(await stats.json()).toMatchObject({ requests: 1, completed: 1 })
  })
})

function tool(name: string, description: string, parameter: string) {
  const parameters = { type: 'object', properties: { [parameter]: { type: 'string' } } }
  return { type: 'function' as const, function: { name, description, parameters } }
}

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, value, place) => sum + value * b[place]!, 0)
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}
