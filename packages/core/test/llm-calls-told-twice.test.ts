import { ChatOpenAI } from '@langchain/openai'
import { CallbackHandler } from '@langfuse/langchain'
import { observeOpenAI } from '@langfuse/openai'
import { startActiveObservation, startObservation } from '@langfuse/tracing'
import { type RecordedTrace, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import OpenAI from 'openai'
import { getTracing, traceJob } from '../src/index.ts'
import { ask, type FakeLlm, LLM_KEY, startFakeLlm } from './fake-llm.ts'

let llm: FakeLlm
let recorder: Recorder

beforeEach(async () => {
  llm = await startFakeLlm()
  recorder = recordTraces()
})

afterEach(async () => {
  await recorder.close()
  await llm.close()
})

async function traceOf(work: () => Promise<unknown>): Promise<RecordedTrace> {
  await traceJob('job', work)
  return recorder.waitFor(({ root }) => root?.name === 'job')
}

const callsOf = ({ observations }: RecordedTrace) => observations.filter(({ type }) => type === 'generation')
const usageOf = (observation: { attributes: Readonly<Record<string, unknown>> } | undefined) =>
  JSON.parse(String(observation?.attributes['langfuse.observation.usage_details'] ?? 'null'))
const plain = () => new OpenAI({ apiKey: LLM_KEY, baseURL: llm.url })
const messages = (content: string) => [{ role: 'user' as const, content }]
const chat = (client: OpenAI, content: string, more = {}) =>
  client.chat.completions.create({ model: 'gpt-4.1-mini', messages: messages(content), ...more })

describe('a call that observeOpenAI describes', () => {
  it('is sent once', async () => {
    const trace = await traceOf(() => chat(observeOpenAI(plain()), 'hi'))
    expect(callsOf(trace)).toHaveLength(1)
    expect(trace.root?.metadata).toMatchObject({ generations: 1, totalTokens: 9 })
    expect(getTracing()?.stats().llmCalls).toMatchObject({ seen: 1, toldByAnother: 1 })
  })

  it('is sent once if it is streamed, with the first token', async () => {
    const trace = await traceOf(async () => {
      const stream = (await chat(observeOpenAI(plain()), 'hi', {
        stream: true,
        stream_options: { include_usage: true },
      })) as unknown as AsyncIterable<unknown>
      for await (const _chunk of stream);
    })
    const [call, ...others] = callsOf(trace)
    expect(others).toEqual([])
    expect(call?.attributes).toHaveProperty(['langfuse.observation.completion_start_time'])
    expect(trace.root?.metadata).toMatchObject({ generations: 1, totalTokens: 9 })
  })

  it('stands beside two that are not wrapped, all at once, with the same question', async () => {
    const trace = await traceOf(() =>
      Promise.all([chat(plain(), 'hi'), chat(observeOpenAI(plain()), 'hi'), chat(plain(), 'hi')]),
    )
    expect(callsOf(trace)).toHaveLength(3)
    expect(trace.root?.metadata).toMatchObject({ generations: 3, totalTokens: 27 })
  })

  it('is sent once for each of several in parallel', async () => {
    const trace = await traceOf(() =>
      Promise.all(['a', 'bb', 'ccc', 'dddd'].map(question => chat(observeOpenAI(plain()), question))),
    )
    expect(callsOf(trace)).toHaveLength(4)
    expect(trace.root?.metadata).toMatchObject({ totalTokens: 10 + 4 * 7 })
  })
})

describe("a call that LangChain's handler describes", () => {
  it('is sent once', async () => {
    const model = () =>
      new ChatOpenAI({ model: 'gpt-4.1-mini', apiKey: LLM_KEY, configuration: { baseURL: llm.url } })
    const trace = await traceOf(() => model().invoke('hi', { callbacks: [new CallbackHandler()] }))
    expect(callsOf(trace)).toHaveLength(1)
    expect(trace.root?.metadata).toMatchObject({ generations: 1, totalTokens: 9 })
  })

  it('is observed without the handler', async () => {
    const model = new ChatOpenAI({
      model: 'gpt-4.1-mini',
      apiKey: LLM_KEY,
      configuration: { baseURL: llm.url },
    })
    const trace = await traceOf(() => model.invoke('hi'))
    expect(callsOf(trace).map(({ name }) => name)).toEqual(['chat gpt-4.1-mini'])
  })
})

describe('a call under an observation of the app', () => {
  it('is not sent if the observation is a generation, which gets what it lacks', async () => {
    const trace = await traceOf(() =>
      startActiveObservation(
        'mine',
        async () =>
          (await ask(llm.url, 'hi', { stream: true, stream_options: { include_usage: true } })).text(),
        {
          asType: 'generation',
        },
      ),
    )
    const [mine, ...others] = callsOf(trace)
    expect(others).toEqual([])
    expect(mine?.name).toBe('mine')
    expect(mine?.attributes).toMatchObject({ 'langfuse.observation.model.name': 'gpt-4.1-mini-2025-04-14' })
    expect(mine?.attributes).toHaveProperty(['langfuse.observation.completion_start_time'])
    expect(usageOf(mine)).toEqual({ input: 2, output: 7, total: 9 })
    expect(trace.root?.metadata).toMatchObject({ generations: 1, totalTokens: 9 })
  })

  it('leaves the tokens that the observation states', async () => {
    const trace = await traceOf(() =>
      startActiveObservation(
        'mine',
        async mine => {
          await (await ask(llm.url, 'hi')).text()
          mine.update({ model: 'my-alias', usageDetails: { input: 1, output: 1 } })
        },
        { asType: 'generation' },
      ),
    )
    expect(usageOf(callsOf(trace)[0])).toEqual({ input: 1, output: 1 })
  })

  it('passes its error on to a generation', async () => {
    const trace = await traceOf(() =>
      startActiveObservation('mine', async () => (await ask(llm.url, 'hi', { messages: 7 })).text(), {
        asType: 'generation',
      }),
    )
    // Not a call: its body has no messages.
    expect(callsOf(trace).map(({ level }) => level)).toEqual(['DEFAULT'])
  })

  it('stays under an agent, a chain and a tool', async () => {
    const trace = await traceOf(() =>
      startActiveObservation(
        'agent',
        () =>
          startActiveObservation('tool', async () => (await ask(llm.url, 'hi')).text(), { asType: 'tool' }),
        { asType: 'agent' },
      ),
    )
    expect(callsOf(trace)).toHaveLength(1)
  })

  it('leaves a second call under the same generation', async () => {
    const trace = await traceOf(() =>
      startActiveObservation(
        'mine',
        async () => {
          await (await ask(llm.url, 'first')).text()
          await (await ask(llm.url, 'second one')).text()
        },
        { asType: 'generation' },
      ),
    )
    expect(callsOf(trace)).toHaveLength(2)
    expect(trace.root?.metadata).toMatchObject({ totalTokens: 12 + 17 })
  })

  it('counts calls whose tokens a generation states in sum only there', async () => {
    const trace = await traceOf(() =>
      startActiveObservation(
        'mine',
        async mine => {
          await (await ask(llm.url, 'first')).text()
          await (await ask(llm.url, 'second one')).text()
          mine.update({ usageDetails: { input: 15, output: 14 } })
        },
        { asType: 'generation' },
      ),
    )
    expect(callsOf(trace)).toHaveLength(1)
    expect(trace.root?.metadata).toMatchObject({ totalTokens: 29 })
  })

  it('is told by a generation beside it that asks the same', async () => {
    const trace = await traceOf(async () => {
      const mine = startObservation('mine', { model: 'gpt-4.1-mini', input: 'hi' }, { asType: 'generation' })
      await (await ask(llm.url, 'hi')).text()
      mine.update({ output: 'You said: hi' }).end()
    })
    expect(callsOf(trace).map(({ name }) => name)).toEqual(['mine'])
  })

  it('stays beside a generation that asks something else', async () => {
    const trace = await traceOf(async () => {
      const mine = startObservation(
        'mine',
        { model: 'gpt-4.1-mini', input: 'other' },
        { asType: 'generation' },
      )
      await (await ask(llm.url, 'hi')).text()
      mine.end()
    })
    expect(callsOf(trace)).toHaveLength(2)
  })

  it('stays after a generation that asked the same', async () => {
    const trace = await traceOf(async () => {
      startObservation('mine', { model: 'gpt-4.1-mini', input: 'hi' }, { asType: 'generation' }).end()
      await new Promise(resolve => setTimeout(resolve, 50))
      await (await ask(llm.url, 'hi')).text()
    })
    expect(callsOf(trace)).toHaveLength(2)
  })

  it('is not sent with its failed attempts', async () => {
    await llm.close()
    llm = await startFakeLlm({ failures: [429, 500] })
    const client = observeOpenAI(new OpenAI({ apiKey: LLM_KEY, baseURL: llm.url, maxRetries: 2 }))
    const trace = await traceOf(() => chat(client, 'hi'))
    expect(llm.asked).toHaveLength(3)
    expect(callsOf(trace).map(({ level }) => level)).toEqual(['DEFAULT'])
  })

  it('is described by its wrapper if it fails', async () => {
    await llm.close()
    llm = await startFakeLlm({ failures: [400] })
    const trace = await traceOf(() => chat(observeOpenAI(plain()), 'hi').catch(() => {}))
    expect(callsOf(trace).map(({ level }) => level)).toEqual(['ERROR'])
  })
})
