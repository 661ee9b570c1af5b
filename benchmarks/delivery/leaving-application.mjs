// An HTTP server that traces its requests by the middleware or by the SDK alone, and is told to end by a signal.
import { createServer } from 'node:http'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import { setLangfuseTracerProvider, startObservation } from '@langfuse/tracing'
import { initTracing } from '@langfuse-middleware/core'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'

const { baseUrl, exporter, directory } = JSON.parse(process.argv[2])
const keys = { publicKey: 'pk-lf-benchmark', secretKey: 'sk-lf-benchmark', baseUrl }
const trace = exporter === 'sdk' ? bySdk() : byMiddleware()

const server = createServer((request, response) => {
  trace(request, response)
  setTimeout(() => response.end('ok'), 10)
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

function byMiddleware() {
  const delivery = exporter === 'spool' ? { spool: { directory, adoptIntervalMs: 100 } } : {}
  initTracing({ ...keys, delivery, shutdown: { timeoutMs: 3000 } })
  const tracer = createRequestTracer()
  return (request, response) => tracer.start(request).endWith(response, () => request.url)
}

/** As Langfuse's documentation has it: flush on the signal, then exit. */
function bySdk() {
  const processor = new LangfuseSpanProcessor(keys)
  setLangfuseTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
  process.on('SIGTERM', async () => {
    await Promise.race([processor.forceFlush(), new Promise(resolve => setTimeout(resolve, 3000))]).catch(
      () => {},
    )
    process.exit(0)
  })
  return (request, response) => {
    const observation = startObservation(`GET ${request.url}`)
    response.on('finish', () => observation.end())
  }
}
