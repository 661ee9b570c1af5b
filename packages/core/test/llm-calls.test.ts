import { startActiveObservation, startObservation } from '@langfuse/tracing'
import {
  type RecordedObservation,
  type RecordedTrace,
  type Recorder,
  recordTraces,
} from '@langfuse-middleware/testing'
import { currentRequest, getTracing, type TracingOptions, traceJob, withPrompt } from '../src/index.ts'
import { ask, type FakeLlm, type FakeLlmOptions, LLM_KEY, startFakeLlm } from './fake-llm.ts'

let llm: FakeLlm
let recorder: Recorder
let warnings: string[]

async function start(options: TracingOptions = {}, llmOptions: FakeLlmOptions = {}): Promise<void> {
  llm = await startFakeLlm(llmOptions)
  warnings = []
  recorder = recordTraces({
    logger: { info() {}, warn: line => warnings.push(line), error: line => warnings.push(line) },
    ...options,
  })
}

afterEach(async () => {
  await recorder.close()
  await llm.close()
})

/** The trace of a job, once it has arrived. */
async function traceOf(work: () => Promise<unknown>): Promise<RecordedTrace> {
  await traceJob('job', work).catch(() => {})
  return recorder.waitFor(({ root }) => root?.name === 'job')
}

async function callOf(work: () => Promise<unknown>): Promise<RecordedObservation> {
  const trace = await traceOf(work)
  const calls = trace.observations.filter(({ type }) => type !== 'span')
  expect(calls).toHaveLength(1)
  return calls[0]!
}

const read = async (response: Promise<Response>) => (await response).text()

describe('an LLM call in a request', () => {
  it('is a generation under the observation that was active', async () => {
    await start()
    const call = await callOf(() =>
      startActiveObservation('step', () => read(ask(llm.url, 'hi', { temperature: 0.2 }))),
    )
    expect(call).toMatchObject({
      name: 'chat gpt-4.1-mini',
      type: 'generation',
      level: 'DEFAULT',
      input: { messages: [{ role: 'user', content: 'hi' }] },
      output: { role: 'assistant', content: 'You said: hi' },
      metadata: {
        provider: 'openai',
        operation: 'chat',
        requestModel: 'gpt-4.1-mini',
        responseId: 'chatcmpl-1-gpt-4.1-mini',
        finishReason: 'stop',
        serverAddress: '127.0.0.1',
        statusCode: 200,
      },
      attributes: {
        'langfuse.observation.model.name': 'gpt-4.1-mini-2025-04-14',
        'langfuse.observation.model.parameters': '{"temperature":0.2}',
        'langfuse.observation.usage_details': '{"input":2,"output":7,"total":9}',
      },
    })
    const [{ root }] = (await recorder.traces()) as [RecordedTrace]
    expect(root?.children.map(({ name, children }) => [name, children.map(child => child.name)])).toEqual([
      ['step', ['chat gpt-4.1-mini']],
    ])
    expect(root?.metadata).toMatchObject({
      observations: 2,
      generations: 1,
      totalTokens: 9,
      models: 'gpt-4.1-mini-2025-04-14',
    })
  })

  it('tells the first token of a stream, and no usage that the server did not send', async () => {
    await start()
    const call = await callOf(() => read(ask(llm.url, 'hi', { stream: true })))
    const started = JSON.parse(String(call.attributes['langfuse.observation.completion_start_time']))
    expect(new Date(started).getTime()).toBeGreaterThanOrEqual(Math.floor(call.startedAt))
    expect(call.attributes).not.toHaveProperty('langfuse.observation.usage_details')
    expect(call.metadata).toMatchObject({ streamed: true })
    expect(call.output).toEqual({ role: 'assistant', content: 'You said: hi' })
  })

  it('is an embedding if it embeds', async () => {
    await start()
    const call = await callOf(() =>
      read(
        fetch(`${llm.url}/embeddings`, {
          method: 'POST',
          headers: { authorization: `Bearer ${LLM_KEY}` },
          body: JSON.stringify({ model: 'text-embedding-3-small', input: ['first', 'second'] }),
        }),
      ),
    )
    expect(call).toMatchObject({
      name: 'embeddings text-embedding-3-small',
      type: 'embedding',
      input: ['first', 'second'],
      metadata: { embeddings: 2, dimensions: 2 },
    })
    expect(call.output).toBeUndefined()
  })

  it('keeps its trace if it fails, at rate 0, and does not repeat a key', async () => {
    await start({ sampling: { rate: 0 } })
    const call = await callOf(() =>
      read(ask(llm.url, 'hi', {}, { headers: { authorization: 'Bearer sk-my-secret-key-0001' } })),
    )
    expect(call).toMatchObject({
      level: 'ERROR',
      statusMessage: 'HTTP 401: Incorrect API key provided: [redacted]',
    })
    expect(JSON.stringify(await recorder.traces())).not.toContain('sk-my-secret')
  })

  it('is dropped with its trace', async () => {
    await start({ sampling: { rate: 0 } })
    await traceJob('job', () => read(ask(llm.url, 'hi')))
    expect(await recorder.traces()).toEqual([])
  })

  it('shows a failed attempt and the number of retries', async () => {
    await start({}, { failures: [429] })
    const trace = await traceOf(async () => {
      await read(ask(llm.url, 'hi'))
      await read(ask(llm.url, 'hi'))
    })
    expect(trace.root?.children.map(({ level, metadata }) => [level, metadata.retries])).toEqual([
      ['ERROR', undefined],
      ['DEFAULT', 1],
    ])
  })

  it('is linked to the prompt it is made with', async () => {
    await start()
    const call = await callOf(() =>
      withPrompt({ name: 'greeting', version: 3 }, () => read(ask(llm.url, 'hi'))),
    )
    expect(call.attributes).toMatchObject({
      'langfuse.observation.prompt.name': 'greeting',
      'langfuse.observation.prompt.version': 3,
    })
  })

  it('has the identity of its request', async () => {
    await start()
    const call = await callOf(async () => {
      await read(ask(llm.url, 'hi'))
      currentRequest()?.setUser('ada')
    })
    expect(call.userId).toBe('ada')
  })

  it('ends with what had come if the app aborts it', async () => {
    await start({}, { gapMs: 50 })
    const call = await callOf(async () => {
      const response = await ask(llm.url, 'one two three four', { stream: true })
      for await (const _chunk of response.body as unknown as AsyncIterable<Uint8Array>) break
    })
    expect(call).toMatchObject({
      level: 'WARNING',
      statusMessage: 'the application aborted the call',
      metadata: { end: 'client_aborted' },
    })
    expect((call.output as { content: string }).content).toMatch(/^You /)
  })

  it('ends with what had come if the provider cuts it', async () => {
    await start({}, { cutAfter: 2 })
    const call = await callOf(() => read(ask(llm.url, 'hi', { stream: true })))
    expect(call).toMatchObject({
      level: 'ERROR',
      output: { content: 'You said: ' },
      metadata: { end: 'connection_closed' },
    })
    expect(call.statusMessage).toMatch(/^connection closed before the answer was complete/)
  })

  it('ends when it times out', async () => {
    await start({}, { gapMs: 100 })
    const call = await callOf(() =>
      read(ask(llm.url, 'one two three', { stream: true }, { signal: AbortSignal.timeout(50) })),
    )
    expect(call).toMatchObject({ level: 'ERROR', metadata: { end: 'timed_out' } })
  })

  it('is complete if the app stops reading after the finish reason', async () => {
    await start()
    const call = await callOf(async () => {
      const response = await ask(llm.url, 'hi', { stream: true })
      let text = ''
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk)
        if (text.includes('"stop"')) break
      }
    })
    expect(call).toMatchObject({ level: 'DEFAULT', metadata: { finishReason: 'stop' } })
  })

  it('delays its trace until a decoder has read the answer', async () => {
    await start({}, { gzip: true })
    const call = await callOf(() => read(ask(llm.url, 'hi')))
    expect(call.output).toMatchObject({ content: 'You said: hi' })
  })

  it('is masked, and without credentials', async () => {
    await start({ mask: ({ data }) => String(data).replaceAll('Ada', '***') })
    const call = await callOf(() => read(ask(llm.url, 'Ada has the key sk-abcdefghijklmnop1234')))
    expect(JSON.stringify(call.attributes)).not.toMatch(/Ada|sk-abcdef/)
    expect(call.output).toMatchObject({ content: 'You said: *** has the key [redacted]' })
  })

  it('shows media as what they are, if nothing uploads them', async () => {
    await start()
    const url = `data:image/png;base64,${'iVBOR'.repeat(40)}`
    const call = await callOf(() =>
      read(
        ask(llm.url, '', {
          messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
        }),
      ),
    )
    expect(JSON.stringify(call.input)).toContain('[image/png: 200 characters of base64]')
    expect(JSON.stringify(call.input)).not.toContain('iVBOR')
  })
})

describe('the option llmCalls', () => {
  it('leaves out contents with "metadata", those in an error too', async () => {
    await start({ llmCalls: 'metadata' }, { failures: [400] })
    const trace = await traceOf(async () => {
      await read(ask(llm.url, 'a secret'))
      await read(ask(llm.url, 'a secret'))
    })
    const [failed, call] = trace.root?.children ?? []
    expect(failed).toMatchObject({ level: 'ERROR', statusMessage: 'HTTP 400' })
    expect(call?.attributes).toHaveProperty(['langfuse.observation.usage_details'])
    expect(JSON.stringify(trace)).not.toContain('a secret')
    expect(call?.output).toBeUndefined()
  })

  it('leaves out contents with { contents: false }', async () => {
    await start({ llmCalls: { contents: false } })
    expect((await callOf(() => read(ask(llm.url, 'hi')))).input).toBeUndefined()
  })

  it('is off with false', async () => {
    await start({ llmCalls: false })
    const { observations } = await traceOf(() => read(ask(llm.url, 'hi')))
    expect(observations).toHaveLength(1)
    expect(getTracing()?.stats().llmCalls).toEqual({ seen: 0, toldByAnother: 0, unread: {}, faults: 0 })
  })

  it.each([
    ['a host', '127.0.0.1'],
    ['a path', '/v1/chat/completions'],
    ['an expression', /^127\..*completions$/],
    ['a predicate', ({ path }: { path: string }) => path.endsWith('completions')],
  ])('ignores calls by %s', async (_what, ignore) => {
    await start({ llmCalls: { ignore } })
    const { observations } = await traceOf(() => read(ask(llm.url, 'hi')))
    expect(observations).toHaveLength(1)
  })

  it('is overridden by one request', async () => {
    await start({ llmCalls: false })
    const call = await callOf(async () => {
      await read(ask(llm.url, 'unseen'))
      currentRequest()?.configure({ llmCalls: 'metadata' })
      await read(ask(llm.url, 'seen'))
      currentRequest()?.configure({ llmCalls: false })
      await read(ask(llm.url, 'unseen'))
    })
    expect(call.attributes['langfuse.observation.usage_details']).toBe('{"input":4,"output":7,"total":11}')
    expect(call.input).toBeUndefined()
  })

  it('reads an endpoint of the app', async () => {
    await start({ llmCalls: { endpoints: [{ path: '/llm/ask', dialect: 'openai-chat' }] } })
    const call = await callOf(() =>
      read(
        fetch(new URL('/llm/ask', llm.url), {
          method: 'POST',
          headers: { authorization: `Bearer ${LLM_KEY}` },
          body: JSON.stringify({ model: 'mine', messages: [{ role: 'user', content: 'hi' }] }),
        }),
      ),
    )
    expect(call).toMatchObject({ name: 'chat mine', output: { content: 'You said: hi' } })
  })

  it.each([
    [{ llmCalls: 'all' }, 'llmCalls must be true, "metadata", false or an object, got "all"'],
    [{ llmCalls: { content: true } }, 'llmCalls'],
    [
      { llmCalls: { endpoints: [{ path: 'x', dialect: 'openai-chat' }] } },
      'llmCalls.endpoints[0].path must be a path that starts with /',
    ],
    [{ llmCalls: { endpoints: [{ path: '/x', dialect: 'gpt' }] } }, 'llmCalls.endpoints[0].dialect must be'],
    [
      { llmCalls: { ignore: [7] } },
      'llmCalls.ignore must be hosts, paths, regular expressions or a function',
    ],
  ])('refuses %j at start-up', async (options, message) => {
    llm = await startFakeLlm()
    let error: unknown
    try {
      recordTraces(options as TracingOptions)
    } catch (thrown) {
      error = thrown
    }
    recorder = { close: async () => {} } as Recorder
    await getTracing()?.shutdown()
    expect(String(error)).toContain(message)
  })
})

describe('an LLM call outside of a request', () => {
  it('is a trace of its own', async () => {
    await start()
    await read(ask(llm.url, 'hi'))
    const traces = await recorder.traces()
    expect(traces.map(({ root }) => root?.name)).toEqual(['chat gpt-4.1-mini'])
    expect(traces[0]?.root?.output).toMatchObject({ content: 'You said: hi' })
  })

  it('is under the observation that was active', async () => {
    await start()
    await startActiveObservation('cron', () => read(ask(llm.url, 'hi')))
    const traces = await recorder.traces()
    expect(traces.map(({ root }) => [root?.name, root?.children.map(({ name }) => name)])).toEqual([
      ['cron', ['chat gpt-4.1-mini']],
    ])
  })

  it.each<[string, () => Promise<unknown>]>([
    [
      'around it',
      () => startActiveObservation('mine', () => read(ask(llm.url, 'hi')), { asType: 'generation' }),
    ],
    [
      'beside it',
      async () => {
        const messages = [{ role: 'user', content: 'hi' }]
        const mine = startObservation(
          'mine',
          { model: 'gpt-4.1-mini', input: messages },
          { asType: 'generation' },
        )
        await read(ask(llm.url, 'hi'))
        mine.end()
      },
    ],
  ])('is not told twice if a generation %s describes it', async (_where, work) => {
    await start()
    await work()
    const traces = await recorder.traces()
    expect(traces.map(({ root }) => root?.name)).toEqual(['mine'])
    expect(getTracing()?.stats().llmCalls?.toldByAnother).toBe(1)
  })

  it('is sent when tracing is shut down in the middle of it', async () => {
    await start({}, { gapMs: 200 })
    const response = await ask(llm.url, 'one two three', { stream: true })
    const reading = response.text().catch(() => {})
    await getTracing()?.shutdown()
    const traces = await recorder.traces()
    expect(traces.map(({ root }) => root?.name)).toEqual(['chat gpt-4.1-mini'])
    await reading
  })
})

describe('a call that could not be read', () => {
  it('is counted by reason, with one warning that names the remedy', async () => {
    await start()
    const { url, close } = await startFakeLlm()
    await close()
    await traceOf(async () => {
      await read(ask(url, 'hi')).catch(() => {})
      await read(ask(url, 'hi')).catch(() => {})
    })
    expect(getTracing()?.stats().llmCalls?.unread).toEqual({ 'no-request-body': 2 })
    expect(warnings.filter(line => line.includes('before its body was sent'))).toHaveLength(1)
  })
})
