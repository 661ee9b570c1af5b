// The reference architecture's middleware, mended so that an observation ends with its response: Langfuse's SDK as it is documented.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export default function reference({ baseUrl }) {
  const { context, trace } = require('@opentelemetry/api')
  const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks')
  const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base')
  const { LangfuseSpanProcessor } = require('@langfuse/otel')
  const tracing = require('@langfuse/tracing')

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const processor = new LangfuseSpanProcessor({
    publicKey: 'pk-lf-benchmark',
    secretKey: 'sk-lf-benchmark',
    baseUrl,
    environment: 'production',
  })
  const provider = new BasicTracerProvider({ spanProcessors: [processor] })
  trace.setGlobalTracerProvider(provider)

  function traceRequest(request, response, path, next) {
    const { method, headers } = request
    const started = Date.now()
    const requestId = headers['x-request-id'] ?? crypto.randomUUID()
    response.setHeader('x-request-id', requestId)
    const root = tracing.startObservation(`${method} ${path}`, {
      input: { method, path },
      metadata: { requestId, userAgent: headers['user-agent'] },
    })
    response.once('finish', () => {
      const { statusCode } = response
      root.update({ output: { statusCode } })
      root.update({ metadata: { statusCode, durationMs: Date.now() - started } })
      root.update({ level: statusCode >= 500 ? 'ERROR' : 'DEFAULT' })
      root.end()
    })
    context.with(trace.setSpan(context.active(), root.otelSpan), () =>
      tracing.propagateAttributes(
        {
          userId: headers['x-user-id'],
          sessionId: headers['x-session-id'],
          traceName: `${method} ${path}`,
          metadata: { requestId },
        },
        next,
      ),
    )
  }

  return {
    express: app => app.use((request, response, next) => traceRequest(request, response, request.path, next)),
    fastify: app =>
      app.addHook('onRequest', (request, reply, next) =>
        traceRequest(request.raw, reply.raw, request.routeOptions.url, next),
      ),
    async generate(input, think) {
      const generation = tracing.startObservation(
        'answer',
        { model: 'gpt-4.1-mini', input },
        { asType: 'generation' },
      )
      const output = await think()
      generation.update({ output, usageDetails: { input: 500, output: 1000 } }).end()
      return output
    },
    flush: () => processor.forceFlush(),
  }
}
