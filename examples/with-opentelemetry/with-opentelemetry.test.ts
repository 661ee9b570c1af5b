import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startTracerSink, type TracerSink } from '../../test/tracer-sink.ts'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

let llm: Awaited<ReturnType<typeof startFakeLlm>>
let inspector: Inspector
let receiver: TracerSink

beforeAll(async () => {
  llm = await startFakeLlm()
  inspector = await startInspector({ port: 0, settleMs: 20 })
  receiver = await startTracerSink()
})
afterAll(async () => {
  await receiver?.close()
  await inspector?.close()
  await llm?.close()
})

describe.each(['express', 'fastify'])("an app with OpenTelemetry's SDK and Langfuse in %s", framework => {
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    inspector.clear()
    receiver.clear()
    app = await startApp('with-opentelemetry', {
      script: `${framework}.mjs`,
      nodeOptions: ['--import', './instrument.mjs'],
      port: 0,
      env: {
        PATH: process.env.PATH,
        OPENAI_API_KEY: 'any',
        OPENAI_BASE_URL: llm.url,
        LANGFUSE_BASE_URL: inspector.url,
        LANGFUSE_PUBLIC_KEY: 'any',
        LANGFUSE_SECRET_KEY: 'any',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_NODE_RESOURCE_DETECTORS: 'none',
      },
    })
  })
  afterAll(() => app?.stop())

  it('sends each request to both backends as two traces that name each other', async () => {
    const statuses = await Promise.all(
      ['tracing', 'nothing'].map(async topic => (await fetch(`${app.url}/ask/${topic}`)).status),
    )
    expect(statuses).toEqual([200, 500])
    // Both SDKs send what is left when the app is stopped.
    await app.stop()

    const traces = inspector.traces()
    const { spans } = receiver
    expect(traces).toHaveLength(2)
    const requests = spans.filter(({ parentId }) => parentId === undefined)
    expect(requests.map(({ name }) => name)).toEqual(['GET /ask/:topic', 'GET /ask/:topic'])

    for (const [topic, level, calls] of [
      ['tracing', 'DEFAULT', ['chat gpt-4.1-mini']],
      ['nothing', 'ERROR', []],
    ] as const) {
      const ours = traces.find(({ input }) => (input as { path: string }).path === `/ask/${topic}`)!
      expect(ours).toMatchObject({ name: 'GET /ask/:topic', level, service: 'with-opentelemetry' })
      // Langfuse: the request and its LLM call once, and nothing of HTTP, the framework or the app's other spans.
      expect(ours.observations.map(({ name, parentId }) => [name, parentId])).toEqual([
        ['GET /ask/:topic', undefined],
        ...calls.map(name => [name, ours.root!.id]),
      ])

      // It is the copy of their span: without the processor, the call would be recorded under the same name by our own tracer.
      expect(ours.observations.slice(1).map(({ scope }) => scope)).toEqual(
        calls.map(() => '@opentelemetry/instrumentation-openai'),
      )

      // The OTLP backend: the whole request, the LLM call included, and no observation of ours.
      const { otelTraceId } = ours.metadata
      const theirs = spans.filter(({ traceId }) => traceId === otelTraceId)
      const names = theirs.map(({ name }) => name)
      expect(names.filter(name => /^(GET \/ask|look up|chat )/.test(name)).sort()).toEqual([
        'GET /ask/:topic',
        ...calls,
        'look up topic',
      ])
      expect(names.filter(name => /handler/.test(name))).not.toEqual([])
      expect(theirs.every(({ parentId }) => !parentId || theirs.some(({ id }) => id === parentId))).toBe(true)

      // Both ways: by the id of the other trace, and by a link from our root to a span of theirs.
      expect(ours.root!.links).toMatchObject([{ traceId: otelTraceId }])
      expect(theirs.flatMap(({ attributes }) => attributes?.['langfuse.trace_id'] ?? [])).toEqual([ours.id])
    }
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2)
  })
})
