// The two pipelines compared: the same request and children, straight through Langfuse's processor, and held for one verdict.

import { LangfuseSpanProcessor } from '@langfuse/otel'
import { propagateAttributes, setLangfuseTracerProvider, startObservation } from '@langfuse/tracing'
import { initTracing } from '@langfuse-middleware/core'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'

const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} }
const silent = { info() {}, warn() {}, error() {} }

function child(index) {
  startObservation(`child ${index}`, { input: 'question', output: 'answer' }).end()
}

/** Each variant opens a request with `children` ended observations in it, and returns what ends it. */
export const variants = {
  'not held'() {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    const provider = new BasicTracerProvider({
      spanProcessors: [
        new LangfuseSpanProcessor({ exporter, mediaUploadEnabled: false, environment: 'benchmark' }),
      ],
    })
    setLangfuseTracerProvider(provider)
    return children => {
      const root = startObservation('GET', { input: { method: 'GET', path: '/users/42' } })
      context.with(trace.setSpan(context.active(), root.otelSpan), () =>
        propagateAttributes({ userId: 'ada', sessionId: 'session-1' }, () => {
          for (let index = 0; index < children; index += 1) child(index)
        }),
      )
      return () => {
        root.otelSpan.updateName('GET /users/:id')
        root.update({ output: { statusCode: 200 }, metadata: { route: '/users/:id', statusCode: 200 } })
        root.end()
      }
    }
  },
  held() {
    initTracing({
      exporter,
      logger: silent,
      environment: 'benchmark',
      shutdown: { signals: false },
      buffer: { maxTraces: 1e6, maxBytes: 1e12 },
    })
    const tracer = createRequestTracer()
    return children => {
      const request = {
        method: 'GET',
        url: '/users/42',
        headers: { 'x-user-id': 'ada', 'x-session-id': 'session-1', 'x-request-id': 'request-1' },
      }
      const root = tracer.start(request)
      root.run(() => {
        for (let index = 0; index < children; index += 1) child(index)
      })
      return () => root.end({ end: 'completed', statusCode: 200, route: '/users/:id' })
    }
  },
}
