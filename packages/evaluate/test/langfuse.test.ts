import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LangfuseClient, RunnerContext } from '@langfuse/client'
import { startInspector } from '@langfuse-middleware/inspector'
import { contains, evaluateRoute, maxTokens, noErrors } from '../src/index.ts'
import { answeringApp, ask } from './answering-app.ts'
import { type FakeLangfuse, startFakeLangfuse } from './fake-langfuse.ts'

const saved = { ...process.env }
let langfuse: FakeLangfuse

beforeEach(async () => {
  langfuse = await startFakeLangfuse(['Ada', 'Grace', 'Linus'])
  Object.assign(process.env, langfuse.env)
})

afterEach(async () => {
  process.env = { ...saved }
  await langfuse.close()
})

describe('a run with keys', () => {
  it('links each item of a Langfuse dataset to the trace of its own request, and scores that trace', async () => {
    const result = await evaluateRoute({
      name: 'answers',
      runName: 'answers of Tuesday',
      description: 'nightly',
      metadata: { commit: 'abc' },
      app: () => answeringApp(),
      data: { dataset: 'questions' },
      request: ask,
      evaluators: [noErrors(), contains('five working days')],
    })

    expect(result.failures).toEqual([])
    expect(result.url).toBe(`${langfuse.url}/project/project-1/datasets/dataset-1/runs/run-1`)
    expect(result.experiment).toMatchObject({ experimentId: 'run-1', datasetRunId: 'run-1' })
    for (const { item, traceId, output } of result.items) {
      const trace = langfuse.traces().find(({ id }) => id === traceId)!
      expect(output).toMatchObject({ answer: expect.stringContaining(String(item.input)) })
      expect(langfuse.runItems).toContainEqual({
        datasetRunId: 'run-1',
        datasetRunName: 'answers of Tuesday',
        datasetItemId: item.id,
        traceId,
        observationId: trace.root!.id,
        metadata: { commit: 'abc' },
      })
      expect(trace.observations).toHaveLength(4)
      for (const { attributes } of trace.observations) {
        expect(attributes).toMatchObject({
          'langfuse.experiment.name': 'answers of Tuesday',
          'langfuse.experiment.item.id': item.id,
          'langfuse.experiment.dataset.id': 'dataset-1',
          'langfuse.experiment.item.root_observation_id': trace.root!.id,
          'langfuse.environment': 'sdk-experiment',
        })
      }
      expect(trace.root!.attributes['langfuse.experiment.description']).toBe('nightly')
      expect(trace.scores.map(({ name, value }) => [name, value]).sort()).toEqual([
        ['contains', 1],
        ['no_errors', 1],
      ])
    }
  })

  it('is an experiment for data of its own, too', async () => {
    const result = await evaluateRoute({
      app: () => answeringApp(),
      data: [{ input: 'Ada', expectedOutput: 'soon' }],
      request: ask,
      evaluators: [noErrors()],
    })
    const [trace] = langfuse.traces()

    expect(langfuse.runItems).toEqual([])
    expect(result.url).toBeUndefined()
    expect(trace!.root!.attributes).toMatchObject({
      'langfuse.experiment.id': result.experiment.experimentId,
      'langfuse.experiment.item.expected_output': 'soon',
    })
  })

  it('takes client, data and metadata of the experiment runner', async () => {
    const client = new LangfuseClient({
      publicKey: 'pk-lf-test',
      secretKey: 'sk-lf-test',
      baseUrl: langfuse.url,
    })
    const { items } = await client.dataset.get('questions')
    const result = await evaluateRoute({
      langfuse: new RunnerContext({ client, data: items as never, metadata: { sha: '1' } }),
      app: () => answeringApp(),
      request: ask,
      evaluators: [noErrors()],
    })

    expect(result.items).toHaveLength(3)
    expect(langfuse.runItems[0]).toMatchObject({ metadata: { sha: '1' } })
  })

  it('reports an item that cannot be linked, and goes on', async () => {
    const result = await evaluateRoute({
      app: () => answeringApp(),
      data: { dataset: 'questions' },
      request: item => {
        if (item.input === 'Grace') langfuse.items.splice(1, 1)
        return ask(item)
      },
      concurrency: 1,
      evaluators: [noErrors()],
    })

    expect(result.items.map(({ errors }) => errors.length)).toEqual([0, 1, 0])
    expect(result.items[1]!.errors[0]).toContain('not linked to the run in Langfuse')
  })

  it('says which dataset is not there', async () => {
    await expect(
      evaluateRoute({
        app: () => answeringApp(),
        data: { dataset: 'unknown' },
        request: ask,
        evaluators: [noErrors()],
      }),
    ).rejects.toThrow(`Langfuse at ${langfuse.url} did not give the dataset "unknown"`)
  })

  it('fails if scores and traces could not be delivered', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {})
    const result = await evaluateRoute({
      app: async () => {
        await langfuse.close()
        return answeringApp()
      },
      data: [{ input: 'Ada' }],
      request: ask,
      evaluators: [noErrors()],
    })

    expect(result.failures).toEqual([
      expect.stringMatching(/^\d spans or scores were not delivered to Langfuse$/),
    ])
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('lost so far'))
    warn.mockRestore()
    langfuse = await startFakeLangfuse([])
  })
})

describe('an app that runs elsewhere', () => {
  let server: Server

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  /** Stands for another process: its traces reach Langfuse on their own way. */
  async function serveElsewhere(deliver: (id: string) => Promise<void>): Promise<string> {
    server = createServer(async (_request, response) => {
      const id = '0af7651916cd43dd8448eb211c80319c'
      await deliver(id)
      response.setHeader('x-langfuse-trace-id', id)
      response.end('hello')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const otlp = (traceId: string) =>
    JSON.stringify({
      resourceSpans: [
        {
          scopeSpans: [
            {
              scope: { name: 'langfuse-sdk' },
              spans: [
                {
                  traceId,
                  spanId: '00f067aa0ba902b7',
                  name: 'GET /hello',
                  startTimeUnixNano: '1700000000000000000',
                  endTimeUnixNano: '1700000001000000000',
                  attributes: [
                    { key: 'langfuse.observation.type', value: { stringValue: 'generation' } },
                    { key: 'langfuse.observation.model.name', value: { stringValue: 'gpt-4.1-mini' } },
                    {
                      key: 'langfuse.observation.usage_details',
                      value: { stringValue: '{"input":7,"output":3}' },
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    })

  it('is evaluated with its traces read from Langfuse', async () => {
    const url = await serveElsewhere(async id => {
      await fetch(`${langfuse.url}/api/public/otel/v1/traces`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Basic ${Buffer.from('pk-lf-test:sk-lf-test').toString('base64')}`,
        },
        body: otlp(id),
      })
    })
    const result = await evaluateRoute({
      url,
      data: [{ input: { path: '/hello' } }],
      evaluators: [maxTokens(9)],
    })

    expect(result.items[0]!).toMatchObject({ errors: [], tokens: 10 })
    expect(langfuse.traces()[0]!.scores).toMatchObject([{ name: 'max_tokens', value: 0 }])
  })

  it('is evaluated with its traces read from the local inspector, without keys', async () => {
    const inspector = await startInspector({ port: 0, settleMs: 20 })
    process.env = { ...saved, LANGFUSE_BASE_URL: inspector.url }
    const url = await serveElsewhere(async id => {
      await fetch(`${inspector.url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: otlp(id),
      })
    })
    const result = await evaluateRoute({
      url,
      data: [{ input: { path: '/hello' } }],
      evaluators: [maxTokens(10)],
    })

    expect(result.items[0]!).toMatchObject({ errors: [], tokens: 10 })
    expect(inspector.traces()[0]!.scores).toMatchObject([{ name: 'max_tokens', value: 1 }])
    await inspector.close()
  })
})

it('sends nothing anywhere without keys', async () => {
  process.env = { ...saved }
  const result = await evaluateRoute({
    app: () => answeringApp(),
    data: [{ input: 'Ada' }],
    request: ask,
    evaluators: [noErrors()],
  })

  expect(result.passed).toBe(true)
  expect(langfuse.traces()).toEqual([])
})
