import { LangfuseClient } from '@langfuse/client'
import { LangfuseOtelSpanAttributes } from '@langfuse/core'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import {
  propagateAttributes,
  setLangfuseTracerProvider,
  startActiveObservation,
  startObservation,
} from '@langfuse/tracing'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { attributeName } from '../src/attribute-name.ts'
import { type Inspector, startInspector } from '../src/index.ts'

describe('the unmodified Langfuse SDK', () => {
  let inspector: Inspector
  let provider: BasicTracerProvider

  const keys = () => ({ baseUrl: inspector.url, publicKey: 'pk-any', secretKey: 'sk-any' })

  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  })

  beforeEach(async () => {
    inspector = await startInspector({ port: 0, settleMs: 20 })
    const processor = new LangfuseSpanProcessor({ ...keys(), environment: 'staging', release: 'abc123' })
    provider = new BasicTracerProvider({ spanProcessors: [processor] })
    setLangfuseTracerProvider(provider)
  })

  afterEach(async () => {
    await provider.shutdown()
    await inspector.close()
  })

  it('has its traces read as the Langfuse server reads them', async () => {
    propagateAttributes({ userId: 'ada', sessionId: 's-42', tags: ['chat', 'beta'], version: 'v7' }, () =>
      startActiveObservation('POST /chat', root => {
        root.update({
          input: { question: 'why?' },
          output: 'because',
          metadata: { statusCode: 200, nested: { a: 1 } },
        })
        root.startObservation('retrieve', { output: [1, 2] }, { asType: 'retriever' }).end()
        const generation = root.startObservation(
          'openai.chat',
          {
            model: 'gpt-4o-mini',
            modelParameters: { temperature: 0 },
            usageDetails: { input: 812, output: 95 },
            costDetails: { input: 0.001, output: 0.002 },
            completionStartTime: new Date('2026-01-02T03:04:05.678Z'),
            level: 'WARNING',
            statusMessage: 'slow',
          },
          { asType: 'generation' },
        )
        generation.end()
      }),
    )
    await provider.forceFlush()

    const trace = await inspector.waitForTrace('POST /chat')
    expect(trace).toMatchObject({
      name: 'POST /chat',
      level: 'WARNING',
      statusCode: 200,
      userId: 'ada',
      sessionId: 's-42',
      tags: ['chat', 'beta'],
      environment: 'staging',
      release: 'abc123',
      version: 'v7',
      input: { question: 'why?' },
      output: 'because',
      metadata: { statusCode: '200', nested: { a: 1 } },
      totals: { tokens: { input: 812, output: 95, total: 907 }, models: ['gpt-4o-mini'] },
      settled: true,
      revision: 1,
    })
    expect(trace.totals.cost).toBeCloseTo(0.003)
    expect(trace.observations.map(({ name, type }) => [name, type])).toEqual([
      ['POST /chat', 'span'],
      ['retrieve', 'retriever'],
      ['openai.chat', 'generation'],
    ])
    expect(trace.root?.children.map(({ name }) => name)).toEqual(['retrieve', 'openai.chat'])
    expect(trace.root?.children[1]).toMatchObject({
      statusMessage: 'slow',
      modelParameters: { temperature: 0 },
      completionStartTimeMs: Date.parse('2026-01-02T03:04:05.678Z'),
      scope: 'langfuse-sdk',
    })
  })

  it('delivers scores of traces and observations, before or after the spans', async () => {
    const client = new LangfuseClient(keys())
    const observation = startObservation('answer')
    client.score.trace({ otelSpan: observation.otelSpan }, { name: 'helpful', value: 1, comment: 'yes' })
    await client.flush()
    observation.end()
    await provider.forceFlush()
    const early = await inspector.waitForTrace('answer')
    client.score.observation({ otelSpan: observation.otelSpan }, { name: 'tone', value: 'warm' })
    await client.flush()
    const late = await inspector.waitForTrace(trace => trace.scores.length === 2)

    expect(early.scores).toMatchObject([{ name: 'helpful', value: 1, comment: 'yes', traceId: early.id }])
    expect(late.scores[1]).toMatchObject({ name: 'tone', value: 'warm', observationId: observation.id })
    expect(late.revision).toBe(2)
    await client.shutdown()
  })

  it('can post a score directly, ask for health, and believes its media are stored', async () => {
    const { api } = new LangfuseClient(keys())
    const observation = startObservation('picture', {
      input: `data:image/png;base64,${'iVBORw0K'.repeat(4)}`,
    })
    observation.end()
    await provider.forceFlush()
    const { id } = await api.legacy.scoreV1.create({
      traceId: observation.traceId,
      name: 'clear',
      value: 0.5,
    })

    expect((await api.health.health()).status).toBe('OK')
    expect((await inspector.waitForTrace(trace => trace.scores.length === 1)).scores[0]?.id).toBe(id)
  })

  it('names the attributes that the inspector looks for', () => {
    expect(Object.values(LangfuseOtelSpanAttributes)).toEqual(
      expect.arrayContaining(Object.values(attributeName)),
    )
  })
})
