import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { configureGlobalLogger, LogLevel } from '@langfuse/core'
import { propagateAttributes, startObservation } from '@langfuse/tracing'
import {
  getPrompt,
  getTracing,
  initTracing,
  safeTrace,
  traceJob,
  withPrompt,
} from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'

const generate = (name: string, attributes = {}) =>
  startObservation(name, { model: 'm', ...attributes }, { asType: 'generation' }).end()

it('rejects, and does not throw, if the client cannot be created', async () => {
  const publicKey = process.env.LANGFUSE_PUBLIC_KEY
  process.env.LANGFUSE_PUBLIC_KEY = 'sk-lf-swapped'
  try {
    const prompt = getPrompt('greeting')
    await expect(prompt).rejects.toThrow()
  } finally {
    if (publicKey === undefined) delete process.env.LANGFUSE_PUBLIC_KEY
    else process.env.LANGFUSE_PUBLIC_KEY = publicKey
  }
})

describe('withPrompt', () => {
  let recorder: Recorder
  beforeEach(() => {
    recorder = recordTraces()
  })
  afterEach(() => recorder.close())

  async function promptsOf(job: () => unknown): Promise<Record<string, unknown>> {
    await traceJob('job', job)
    const trace = await recorder.waitFor(one => one.root?.name === 'job')
    return Object.fromEntries(
      trace.observations.map(({ name, attributes }) => [
        name,
        attributes['langfuse.observation.prompt.name'] === undefined
          ? undefined
          : `${attributes['langfuse.observation.prompt.name']} ${attributes['langfuse.observation.prompt.version']}`,
      ]),
    )
  }

  it('links what is made in it, and nothing before, after, beside or above', async () => {
    const prompts = await promptsOf(async () => {
      generate('before')
      await Promise.all([
        withPrompt({ name: 'greeting', version: 3 }, async () => {
          await new Promise(resolve => setImmediate(resolve))
          generate('inside')
          generate('of its own', { prompt: { name: 'other', version: 1, isFallback: false } })
          withPrompt({ name: 'nearest', version: 2 }, () => generate('deeper'))
        }),
        Promise.resolve().then(() => generate('beside')),
      ])
      generate('after')
    })
    expect(prompts).toEqual({
      job: undefined,
      before: undefined,
      inside: 'greeting 3',
      'of its own': 'other 1',
      deeper: 'nearest 2',
      beside: undefined,
      after: undefined,
    })
  })

  it('keeps what it runs under the observation around it, with what else is propagated', async () => {
    await traceJob('job', () =>
      safeTrace('step', () =>
        propagateAttributes({ metadata: { part: 'one' } }, () =>
          withPrompt({ name: 'greeting', version: 3 }, () => generate('inside')),
        ),
      ),
    )
    const { root, orphans } = await recorder.waitFor(one => one.root?.name === 'job')
    expect(orphans).toEqual([])
    expect(root!.children[0]!.children[0]).toMatchObject({
      name: 'inside',
      attributes: { 'langfuse.trace.metadata.part': 'one' },
    })
  })

  it('links nothing to a fallback', async () => {
    expect(
      await promptsOf(() =>
        withPrompt({ name: 'greeting', version: 0, isFallback: true }, () => generate('inside')),
      ),
    ).toEqual({ job: undefined, inside: undefined })
  })

  it('runs its function also where there is no prompt', () => {
    expect(withPrompt(undefined as never, () => 7)).toBe(7)
    expect(recorder.tracing.stats().warnings['prompt unlinked']).toBe(1)
  })

  it('gives what its function gives, or throws', () => {
    expect(withPrompt({ name: 'greeting', version: 3 }, () => 7)).toBe(7)
    expect(() =>
      withPrompt({ name: 'greeting', version: 3 }, () => {
        throw new Error('mine')
      }),
    ).toThrow('mine')
  })
})

it('runs a function with a prompt where nothing is traced', () => {
  expect(withPrompt({ name: 'greeting', version: 3 }, () => 7)).toBe(7)
})

describe('getPrompt', () => {
  let langfuse: Server
  let requests: IncomingMessage[]
  let status: number

  const env = { ...process.env }
  beforeAll(() => configureGlobalLogger({ level: LogLevel.ERROR + 1 }))
  beforeEach(async () => {
    requests = []
    status = 200
    langfuse = createServer((request, response) => {
      request.resume()
      if (!request.url!.startsWith('/api/public/v2/prompts/')) return response.writeHead(200).end()
      requests.push(request)
      if (status === 0) return undefined
      const prompt = { name: 'greeting', version: 3, type: 'text', prompt: 'Hello {{name}}', config: {} }
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...prompt, labels: ['production'], tags: [] }))
    }).listen(0, '127.0.0.1')
    await once(langfuse, 'listening')
    initTracing({
      logger: { info() {}, warn() {}, error() {} },
      publicKey: 'pk-lf',
      secretKey: 'sk-lf',
      baseUrl: `http://127.0.0.1:${(langfuse.address() as AddressInfo).port}`,
      shutdown: { signals: false },
    })
  })
  afterEach(async () => {
    process.env = { ...env }
    await getTracing()?.shutdown()
    langfuse.close()
    langfuse.closeAllConnections()
  })

  it('fetches a prompt once, with the keys that tracing runs with', async () => {
    const prompt = await getPrompt('greeting')
    expect(prompt.compile({ name: 'Ada' })).toBe('Hello Ada')
    expect(await getPrompt('greeting')).toBe(prompt)
    expect(requests).toHaveLength(1)
    expect(requests[0]!.headers.authorization).toBe(`Basic ${Buffer.from('pk-lf:sk-lf').toString('base64')}`)
  })

  it('fetches a prompt once also where nothing is traced', async () => {
    const { port } = langfuse.address() as AddressInfo
    await getTracing()?.shutdown()
    process.env.LANGFUSE_PUBLIC_KEY = 'pk-lf'
    process.env.LANGFUSE_SECRET_KEY = 'sk-lf'
    process.env.LANGFUSE_BASE_URL = `http://127.0.0.1:${port}`
    expect(await getPrompt('greeting')).toBe(await getPrompt('greeting'))
    expect(requests).toHaveLength(1)
  })

  it('fetches outside of the trace of the request', async () => {
    await traceJob('job', () => getPrompt('greeting'))
    expect(requests[0]!.headers).not.toHaveProperty('traceparent')
    expect(requests[0]!.headers).not.toHaveProperty('baggage')
  })

  it('gives the fallback while Langfuse fails, and rejects where there is none', async () => {
    status = 503
    const prompt = await getPrompt('greeting', { fallback: 'Hi {{name}}', maxRetries: 0 })
    expect(prompt).toMatchObject({ isFallback: true, name: 'greeting' })
    expect(prompt.compile({ name: 'Ada' })).toBe('Hi Ada')
    await expect(getPrompt('greeting', { maxRetries: 0 })).rejects.toThrow()
  })

  it('does not wait for a Langfuse that never answers', async () => {
    status = 0
    const prompt = await getPrompt('greeting', { fallback: 'Hi', fetchTimeoutMs: 50, maxRetries: 0 })
    expect(prompt.isFallback).toBe(true)
  })

  it('goes on with what it has while Langfuse is away', async () => {
    await getPrompt('greeting', { cacheTtlSeconds: 0.001 })
    status = 503
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(await getPrompt('greeting', { maxRetries: 0 })).toMatchObject({ isFallback: false, version: 3 })
  })
})
