import { LangfuseOtelSpanAttributes } from '@langfuse/core'
import { type Inspector, startInspector, type Trace } from '../src/index.ts'
import { attributeName } from '../src/reading/attribute-name.ts'
import { runFixture } from './fixture-run.ts'

let inspector: Inspector

beforeEach(async () => {
  inspector = await startInspector({ port: 0, settleMs: 20 })
})

afterEach(() => inspector.close())

describe('an app with the unmodified Langfuse SDK', () => {
  let said: { status: string; scoreId: string; generationId: string }
  let trace: Trace

  beforeEach(async () => {
    said = JSON.parse(await runFixture(require.resolve('./fixtures/send-with-langfuse.mjs'), inspector.url))
    trace = await inspector.waitForTrace('POST /chat')
  })

  it('has its trace and scores shown as Langfuse would show them', () => {
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
    })
    expect(trace.totals.cost).toBeCloseTo(0.003)
    // The SDK's clock ticks in milliseconds: which of the two came first cannot be told.
    const children = trace.root?.children.toSorted((a, b) => a.name.localeCompare(b.name)) ?? []
    expect(children.map(({ name, type }) => [name, type])).toEqual([
      ['openai.chat', 'generation'],
      ['retrieve', 'retriever'],
    ])
    expect(children[0]).toMatchObject({
      statusMessage: 'slow',
      modelParameters: { temperature: 0 },
      completionStartTimeMs: Date.parse('2026-01-02T03:04:05.678Z'),
      scope: 'langfuse-sdk',
    })
    expect(trace.scores).toMatchObject([
      { name: 'helpful', value: 1, comment: 'yes' },
      { name: 'tone', value: 'warm', observationId: said.generationId },
      { name: 'clear', value: 0.5, id: said.scoreId },
    ])
  })

  it('gets the answers it expects for health and for media', async () => {
    expect(said.status).toBe('OK')
    expect((await inspector.waitForTrace('picture')).input).toMatch(/^@@@langfuseMedia:/)
  })

  it('names attributes the way the inspector looks for them', () => {
    expect(Object.values(LangfuseOtelSpanAttributes)).toEqual(
      expect.arrayContaining(Object.values(attributeName)),
    )
  })
})

describe.each([
  ['json', 'none'],
  ['json', 'gzip'],
  ['proto', 'none'],
  ['proto', 'gzip'],
])('the stock OpenTelemetry exporter, %s with compression %s', (encoding, compression) => {
  it('delivers a span that is read by its gen_ai attributes', async () => {
    await runFixture(
      require.resolve('./fixtures/send-with-opentelemetry.mjs'),
      inspector.url,
      encoding,
      compression,
    )
    const { root } = await inspector.waitForTrace('chat gpt-4o')
    expect(root).toMatchObject({
      type: 'generation',
      model: 'gpt-4o',
      tokens: { input: 12, output: 3, total: 15 },
      level: 'ERROR',
      statusMessage: 'boom',
      userId: 'ada',
      scope: 'my-scope',
      attributes: { numbers: [1, -2, 3.5] },
    })
  })
})
