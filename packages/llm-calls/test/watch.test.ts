import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import http from 'node:http'
import { json, text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import zlib from 'node:zlib'
import * as undici5 from 'undici5'
import * as undici6 from 'undici6'
import * as undici7 from 'undici7'
import { watchLlmCalls } from '../src/index.ts'
import { type Chunk, type FakeProvider, type FakeResponse, serve } from './support/fake-provider.ts'
import { type Recording, recordCalls } from './support/recorded-calls.ts'

const QUESTION = { model: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'Which city?' }] }
const ANSWER: FakeResponse = {
  contentType: 'application/json',
  chunks: [
    JSON.stringify({
      id: 'c1',
      object: 'chat.completion',
      model: 'gpt-4.1-mini-2025-04-14',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Paris.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
    }),
  ],
}
const token = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c1', model: 'gpt-4.1-mini', choices: [{ index: 0, delta: { content } }] })}\n\n`
const stream = (chunks: readonly Chunk[], more: Partial<FakeResponse> = {}): FakeResponse => ({
  contentType: 'text/event-stream',
  chunks,
  ...more,
})

const open: { stop?: () => void; close?: () => Promise<void> }[] = []

afterEach(async () => {
  for (const { stop, close } of open.splice(0)) {
    stop?.()
    await close?.()
  }
})

async function provider(...responses: readonly FakeResponse[]): Promise<FakeProvider> {
  const started = await serve(...responses)
  open.push({ close: started.close })
  return started
}

function record<Context = undefined>(
  ...[options]: Parameters<typeof recordCalls<Context>>
): Recording<Context> {
  const recording = recordCalls<Context>(options)
  open.push({ stop: recording.stop })
  return recording
}

type Post = (url: string, body: string) => Promise<string>

const viaUndici =
  ({ request, Agent }: Pick<typeof undici7, 'request' | 'Agent'>): Post =>
  async (url, body) => {
    const dispatcher = new Agent()
    const response = await request(url, { method: 'POST', body, dispatcher })
    const answer = await response.body.text()
    await dispatcher.close()
    return answer
  }

const viaHttp: Post = async (url, body) => {
  const request = http.request(url, { method: 'POST' })
  request.end(body)
  const [response] = await once(request, 'response')
  return text(response)
}

const clients: Record<string, Post> = {
  'the global fetch': async (url, body) => (await fetch(url, { method: 'POST', body })).text(),
  'undici 5': viaUndici(undici5 as unknown as typeof undici7),
  'undici 6': viaUndici(undici6 as unknown as typeof undici7),
  'undici 7': viaUndici(undici7),
  'node:http': viaHttp,
  'node:http in pieces': async (url, body) => {
    const request = http.request(url, { method: 'POST' })
    request.write(body.slice(0, 10))
    await wait(5)
    request.write(Buffer.from(body.slice(10, 20)))
    request.end(body.slice(20))
    const [response] = await once(request, 'response')
    return text(response)
  },
}

describe.each(Object.entries(clients))('%s', (_name, post) => {
  it('tells question, answer and usage of a call', async () => {
    const { url } = await provider(ANSWER)
    const recording = record()
    expect(await post(`${url}/v1/chat/completions`, JSON.stringify(QUESTION))).toBe(ANSWER.chunks[0])
    const [{ call, input, content, hooks }] = (await recording.ended()) as [
      Recording<undefined>['calls'][number],
    ]
    expect(input).toEqual({ messages: QUESTION.messages })
    expect(content.output).toEqual({ role: 'assistant', content: 'Paris.' })
    expect(content.usage).toEqual({ input: 4, output: 2, total: 6 })
    expect(call).toMatchObject({
      operation: 'chat',
      end: 'completed',
      statusCode: 200,
      serverAddress: '127.0.0.1',
    })
    expect(call.serverPort).toBe(Number(new URL(url).port))
    expect(call.endedAt).toBeGreaterThanOrEqual(call.startedAt)
    expect(hooks).toEqual(['started', 'ended'])
  })

  it('tells the first token of a stream before its end', async () => {
    const { url } = await provider(stream([token('Pa'), token('ris.'), 'data: [DONE]\n\n'], { gapMs: 15 }))
    const recording = record()
    await post(`${url}/v1/chat/completions`, JSON.stringify({ ...QUESTION, stream: true }))
    const [{ call, content, hooks }] = (await recording.ended()) as [Recording<undefined>['calls'][number]]
    expect(content.output).toEqual({ role: 'assistant', content: 'Paris.' })
    expect(hooks).toEqual(['started', 'firstToken', 'ended'])
    expect(call.firstTokenAt).toBeLessThan(call.endedAt as number)
  })

  it('gives the context in which the app made the call, on a kept connection too', async () => {
    const { url } = await provider(ANSWER)
    const storage = new AsyncLocalStorage<string>()
    const recording = record<string>({ context: () => storage.getStore() })
    for (const name of ['first', 'second', 'third']) {
      await storage.run(name, () => post(`${url}/v1/chat/completions`, JSON.stringify(QUESTION)))
    }
    const calls = await recording.ended(3)
    expect(calls.map(({ call }) => call.context)).toEqual(['first', 'second', 'third'])
  })

  it('says that the connection was closed in the middle, and keeps what had come', async () => {
    const { url } = await provider(stream([token('Pa')], { drop: 'after' }))
    const recording = record()
    await post(`${url}/v1/chat/completions`, JSON.stringify({ ...QUESTION, stream: true })).catch(() => {})
    const [{ call, content }] = (await recording.ended()) as [Recording<undefined>['calls'][number]]
    expect(call.end).toBe('connection_closed')
    expect(call.error).toMatch(/connection closed/)
    expect(content.output).toEqual({ role: 'assistant', content: 'Pa' })
  })

  it('says that the connection was closed before an answer', async () => {
    const { url } = await provider({ chunks: [], drop: 'before' })
    const recording = record()
    await post(`${url}/v1/chat/completions`, JSON.stringify(QUESTION)).catch(() => {})
    const [{ call }] = (await recording.ended()) as [Recording<undefined>['calls'][number]]
    expect(call).toMatchObject({ end: 'connection_closed', statusCode: undefined })
  })
})

describe('a call that the app ends', () => {
  const slow = stream([token('Pa'), token('ris'), token('.')], { gapMs: 100 })

  async function ended(leave: (url: string) => Promise<unknown>) {
    const { url } = await provider(slow)
    const recording = record()
    await leave(`${url}/v1/chat/completions`).catch(() => {})
    const [recorded] = (await recording.ended()) as [Recording<undefined>['calls'][number]]
    return recorded
  }
  const body = JSON.stringify({ ...QUESTION, stream: true })

  it('is aborted if its signal aborts', async () => {
    const { call, content } = await ended(async url => {
      const controller = new AbortController()
      const response = await fetch(url, { method: 'POST', body, signal: controller.signal })
      await response.body?.getReader().read()
      controller.abort()
    })
    expect(call).toMatchObject({ end: 'client_aborted', error: undefined })
    expect(content.output).toEqual({ role: 'assistant', content: 'Pa' })
  })

  it('is aborted if the signal aborts with an error of the app', async () => {
    const { call } = await ended(async url => {
      const controller = new AbortController()
      const response = await fetch(url, { method: 'POST', body, signal: controller.signal })
      await response.body?.getReader().read()
      controller.abort(new Error('mine'))
    })
    expect(call.end).toBe('client_aborted')
  })

  it('is aborted if the consumer breaks out of the stream', async () => {
    const { call } = await ended(async url => {
      const response = await fetch(url, { method: 'POST', body })
      for await (const _chunk of response.body as unknown as AsyncIterable<Uint8Array>) break
    })
    expect(call.end).toBe('client_aborted')
  })

  it('timed out if its signal did', async () => {
    const { call } = await ended(async url => {
      const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(60) })
      await response.text()
    })
    expect(call.end).toBe('timed_out')
    expect(call.error).toMatch(/^timed out/)
  })

  it.each<[string, (request: http.ClientRequest, response: http.IncomingMessage) => void]>([
    ['request', request => request.destroy()],
    ['response', (_request, response) => response.destroy()],
  ])('is aborted if the %s of node:http is destroyed', async (_what, destroy) => {
    const { call } = await ended(async url => {
      const request = http.request(url, { method: 'POST' })
      request.on('error', () => {})
      request.end(body)
      const [response] = await once(request, 'response')
      response.on('error', () => {})
      response.once('data', () => destroy(request, response))
    })
    expect(call).toMatchObject({ end: 'client_aborted', error: undefined })
  })

  it('timed out if node:http is destroyed with a timeout', async () => {
    const { call } = await ended(async url => {
      const request = http.request(url, { method: 'POST' })
      request.on('error', () => {})
      request.end(body)
      const [response] = await once(request, 'response')
      response.on('error', () => {})
      response.once('data', () => request.destroy(new Error('timeout of 60ms exceeded: timed out')))
    })
    expect(call.end).toBe('timed_out')
  })
})

describe('the watch', () => {
  it('changes no byte and no header of a call', async () => {
    const { url, seen } = await provider(stream([token('Pa'), token('ris.')]))
    const send = async () => {
      const answers: string[] = []
      for (const post of Object.values(clients)) {
        answers.push(await post(`${url}/v1/chat/completions`, JSON.stringify(QUESTION)))
      }
      return answers
    }
    const bare = await send()
    const bareRequests = seen.splice(0)
    const recording = record()
    expect(await send()).toEqual(bare)
    await recording.ended(bare.length)
    expect(seen).toEqual(bareRequests)
  })

  it('leaves an unhandled error of node:http to the app', async () => {
    const { url } = await provider({ chunks: [], drop: 'before' })
    record()
    const request = http.request(`${url}/v1/chat/completions`, { method: 'POST' })
    request.end(JSON.stringify(QUESTION))
    expect(request.listenerCount('error')).toBe(0)
    const [error] = await once(request, 'error').catch(failure => [failure])
    expect(error).toMatchObject({ code: 'ECONNRESET' })
  })

  it('does not make a slow consumer of node:http read faster', async () => {
    const { url } = await provider(stream([{ repeat: [token('x'.repeat(1_000)), 3_000] }]))
    const recording = record()
    const request = http.request(`${url}/v1/chat/completions`, { method: 'POST' })
    request.end(JSON.stringify(QUESTION))
    const [response] = await once(request, 'response')
    await wait(100)
    expect(response.readableFlowing).toBeNull()
    expect(response.readableLength).toBeLessThan(1024 * 1024)
    expect(recording.calls[0]?.hooks).not.toContain('ended')
    response.resume()
    await recording.ended()
  })

  it('touches nothing of requests that are no calls', async () => {
    const { url } = await provider({ chunks: ['{}'] })
    const asked: string[] = []
    record<string>({
      context({ path }) {
        asked.push(path)
        return path
      },
    })
    const requests: http.ClientRequest[] = []
    for (const path of ['/', '/v1/models', '/v1/responses/input_tokens', '/chat/completions/stats']) {
      await fetch(url + path, { method: 'POST', body: '{}' })
      const request = http.request(url + path, { method: 'POST' })
      requests.push(request.end('{}'))
      await once(request, 'response').then(([response]) => response.resume())
    }
    await (await fetch(`${url}/v1/chat/completions`)).text()
    expect(asked).toEqual([])
    for (const request of requests) expect(Object.hasOwn(request, 'write')).toBe(false)
  })

  it('leaves a request alone if its context is undefined', async () => {
    const { url } = await provider(ANSWER)
    const recording = record<string>({ context: () => undefined })
    await (
      await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(QUESTION) })
    ).text()
    expect(recording.calls).toEqual([])
  })

  it('sees nothing after it was stopped', async () => {
    const { url } = await provider(ANSWER)
    const recording = recordCalls()
    recording.stop()
    for (const post of Object.values(clients))
      await post(`${url}/v1/chat/completions`, JSON.stringify(QUESTION))
    expect(recording.calls).toEqual([])
  })

  it('counts a fault in a hook, and lets the call go on', async () => {
    const { url } = await provider(ANSWER)
    const watch = watchLlmCalls({
      started() {
        throw new Error('mine')
      },
      fault() {
        throw new Error('mine too')
      },
    })
    open.push(watch)
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(QUESTION),
    })
    expect(await response.json()).toMatchObject({ id: 'c1' })
    expect(watch.stats()).toMatchObject({ seen: 1, faults: 1 })
  })

  it('counts a fault of a hook that runs after a decoder', async () => {
    const { url } = await provider({ ...ANSWER, encoding: 'gzip' })
    const faults: unknown[] = []
    const failed = new Promise<void>(resolve => {
      open.push(
        watchLlmCalls({
          ended() {
            throw new Error('mine')
          },
          fault(error) {
            faults.push(error)
            resolve()
          },
        }),
      )
    })
    await (
      await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(QUESTION) })
    ).text()
    await failed
    expect(faults).toEqual([new Error('mine')])
  })

  it.each([
    ['a path', { path: '/llm/ask', dialect: 'openai-chat' }],
    ['an expression', { path: /\/llm\/\w+$/, dialect: 'openai-chat' }],
  ])('knows an endpoint of the app by %s', async (_what, endpoint) => {
    const { url } = await provider(ANSWER)
    const recording = record({ endpoints: [endpoint] })
    await (await fetch(`${url}/llm/ask?v=1`, { method: 'POST', body: JSON.stringify(QUESTION) })).text()
    const [recorded] = await recording.ended()
    expect(recorded?.content.output).toEqual({ role: 'assistant', content: 'Paris.' })
  })

  it('reads a dialect of the app', async () => {
    const { url } = await provider({
      contentType: 'application/json',
      chunks: ['{"said":"Paris.","cost":3}'],
    })
    const recording = record({
      endpoints: [
        {
          path: '/ask',
          dialect: {
            name: 'mine',
            provider: 'mine',
            path: /x/,
            request: ({ q }) => ({ operation: 'chat', model: 'mine-1', parameters: {}, input: q }),
            recognises: ({ said }) => said !== undefined,
            response({ said, cost }, answer) {
              answer.text(said)
              answer.usage({ cost }, counters => ({ output: counters.cost as number }))
            },
          },
        },
      ],
    })
    await (await fetch(`${url}/ask`, { method: 'POST', body: '{"q":"Which city?"}' })).text()
    const [recorded] = await recording.ended()
    expect(recorded).toMatchObject({
      input: 'Which city?',
      call: { provider: 'mine', requestModel: 'mine-1' },
      content: { output: { content: 'Paris.' }, usage: { output: 3, total: 3 } },
    })
  })

  it('refuses an endpoint whose dialect does not exist', () => {
    expect(() => watchLlmCalls({ endpoints: [{ path: '/x', dialect: 'openai' }] })).toThrow(
      'no dialect is named "openai"; there are openai-chat,',
    )
  })

  it('counts retries by the header of an SDK and by a failure before', async () => {
    const { url } = await provider({ status: 429, chunks: ['{"error":{"message":"slow down"}}'] }, ANSWER)
    const recording = record()
    const send = async (headers = {}) =>
      (
        await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(QUESTION) })
      ).text()
    await send()
    await send()
    await send()
    await send({ 'x-stainless-retry-count': '2' })
    const calls = await recording.ended(4)
    expect(calls.map(({ call }) => call.retries)).toEqual([0, 1, 0, 2])
    expect(calls[0]?.call.error).toBe('HTTP 429: slow down')
  })

  it('reads a compressed request', async () => {
    const { url } = await provider(ANSWER)
    const recording = record()
    await (
      await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-encoding': 'gzip' },
        body: zlib.gzipSync(JSON.stringify(QUESTION)),
      })
    ).text()
    const [recorded] = await recording.ended()
    expect(recorded?.input).toEqual({ messages: QUESTION.messages })
  })

  it('keeps no more than its bound of a request, and still knows the model', async () => {
    const { url } = await provider(ANSWER)
    const recording = record({ maxBytes: 2_000 })
    const messages = [
      { role: 'user', content: 'x'.repeat(1_500) },
      { role: 'user', content: 'y'.repeat(5_000) },
    ]
    const body = JSON.stringify({ messages, model: 'gpt-4.1-mini' })
    await (await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })).text()
    const [recorded] = await recording.ended()
    expect(JSON.stringify(recorded?.input).length).toBeLessThan(2_100)
    expect(recorded?.call.requestModel).toBe('gpt-4.1-mini')
    expect(recording.unread).toEqual(['request-too-large'])
  })

  it('keeps no more than its bound of a stream', async () => {
    const { url } = await provider(stream([{ repeat: [token('0123456789'), 1_000] }]))
    const recording = record({ maxBytes: 2_000 })
    await (
      await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(QUESTION) })
    ).text()
    const [recorded] = await recording.ended()
    const { content } = recorded!.content.output as { content: string }
    expect(content).toMatch(/^(0123456789)+ \[cut: 8000 of 10000 bytes\]$/)
  })

  it.each<[string, FakeResponse, string]>([
    [
      'an encoding that is not known',
      { chunks: ['??'], headers: { 'content-encoding': 'lzma' } },
      'unknown-encoding',
    ],
    [
      'a body that is not what its encoding says',
      { chunks: ['no gzip'], headers: { 'content-encoding': 'gzip' } },
      'unknown-encoding',
    ],
    ['an answer in no dialect', { contentType: 'application/json', chunks: ['{"a":1}'] }, 'unknown-response'],
  ])('tells a call with %s, and why it could not be read', async (_what, response, reason) => {
    const { url } = await provider(response)
    const recording = record()
    await viaHttp(`${url}/v1/chat/completions`, JSON.stringify(QUESTION))
    const [recorded] = await recording.ended()
    expect(recorded?.content.output).toBeUndefined()
    expect(recording.unread).toContain(reason)
  })

  it('counts a request whose connection failed before its body was sent', async () => {
    const { url, close } = await serve(ANSWER)
    await close()
    const recording = record()
    await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(QUESTION) }).catch(
      () => {},
    )
    expect(recording.calls).toEqual([])
    expect(recording.unread).toEqual(['no-request-body'])
  })

  it('reads the body of a request that node:http could not connect', async () => {
    const { url, close } = await serve(ANSWER)
    await close()
    const recording = record()
    await viaHttp(`${url}/v1/chat/completions`, JSON.stringify(QUESTION)).catch(() => {})
    const [recorded] = await recording.ended()
    expect(recorded?.call).toMatchObject({ end: 'connection_closed', requestModel: 'gpt-4.1-mini' })
    expect(recorded?.call.error).toMatch(/ECONNREFUSED/)
  })

  it('sees two watches beside each other', async () => {
    const { url } = await provider(ANSWER)
    const recordings = [record(), record()]
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(QUESTION),
    })
    expect(await json(response.body as never)).toMatchObject({ id: 'c1' })
    for (const recording of recordings) expect(await recording.ended()).toHaveLength(1)
  })
})
