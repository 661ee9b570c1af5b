import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { startTracerSink, type TracerSink } from '../../test/tracer-sink.ts'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

describe('an app with Sentry and Langfuse', () => {
  let llm: Awaited<ReturnType<typeof startFakeLlm>>
  let inspector: Inspector
  let sentry: TracerSink
  let app: Awaited<ReturnType<typeof startApp>>

  beforeAll(async () => {
    llm = await startFakeLlm()
    inspector = await startInspector({ port: 0, settleMs: 20 })
    sentry = await startTracerSink()
    app = await startApp('with-sentry', {
      nodeOptions: ['--import', './instrument.mjs'],
      port: 0,
      env: {
        PATH: process.env.PATH,
        OPENAI_API_KEY: 'any',
        OPENAI_BASE_URL: llm.url,
        LANGFUSE_BASE_URL: inspector.url,
        LANGFUSE_PUBLIC_KEY: 'any',
        LANGFUSE_SECRET_KEY: 'any',
        LANGFUSE_FLUSH_INTERVAL: '0.05',
        SENTRY_DSN: sentry.url.replace('//', '//key@').concat('/1'),
      },
    })
  })
  afterAll(async () => {
    await app?.stop()
    await sentry?.close()
    await inspector?.close()
    await llm?.close()
  })

  it('has each request once in each, whole, and each names the other', async () => {
    const ask = (path: string) => fetch(app.url + path, { headers: { 'x-user-id': 'ada' } })
    expect((await ask('/ask/tracing')).status).toBe(200)
    const answered = await inspector.waitForTrace('GET /ask/:topic')
    inspector.clear()
    expect((await ask('/ask/nothing')).status).toBe(500)
    const failed = await inspector.waitForTrace('GET /ask/:topic')
    // Sentry sends in its own time, and all of it when it is closed.
    await app.stop()

    expect(answered).toMatchObject({ level: 'DEFAULT', input: 'tracing', userId: 'ada' })
    expect(answered.observations.map(({ name, parentId, userId }) => [name, parentId, userId])).toEqual([
      ['GET /ask/:topic', undefined, 'ada'],
      ['answer', answered.observations[0]!.id, 'ada'],
    ])
    expect(failed.root).toMatchObject({ level: 'ERROR', statusMessage: 'Error: nobody knows about nothing' })
    expect(failed.observations).toHaveLength(1)

    const requests = sentry.spans.filter(({ parentId }) => parentId === undefined)
    expect(requests.map(({ name }) => name)).toEqual(['GET /ask/:topic', 'GET /ask/:topic'])
    expect(requests.map(({ traceId }) => traceId)).toEqual([
      answered.metadata.sentryTraceId,
      failed.metadata.sentryTraceId,
    ])
    for (const { traceId } of requests) {
      const spans = sentry.spans.filter(span => span.traceId === traceId)
      expect(spans.filter(({ name }) => name === 'look up topic')).toHaveLength(1)
      expect(spans.every(({ parentId }) => !parentId || spans.some(({ id }) => id === parentId))).toBe(true)
      expect(spans.map(({ name }) => name)).not.toContain('answer')
    }
    expect(sentry.errors).toEqual([
      {
        message: 'nobody knows about nothing',
        user: undefined,
        traceId: failed.metadata.sentryTraceId,
        tags: { 'langfuse.trace_id': failed.id },
      },
    ])
  })
})
