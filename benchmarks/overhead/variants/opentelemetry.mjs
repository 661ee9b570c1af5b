import { generationAttributes, peer } from './peer.mjs'

export default function opentelemetry({ framework, baseUrl }) {
  const { context, trace } = peer('@opentelemetry/api')
  const { AsyncLocalStorageContextManager } = peer('@opentelemetry/context-async-hooks')
  const { OTLPTraceExporter } = peer('@opentelemetry/exporter-trace-otlp-proto')
  const { registerInstrumentations } = peer('@opentelemetry/instrumentation')
  const { HttpInstrumentation } = peer('@opentelemetry/instrumentation-http')
  const { BasicTracerProvider, BatchSpanProcessor } = peer('@opentelemetry/sdk-trace-base')

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const exporter = new OTLPTraceExporter({ url: `${baseUrl}/v1/traces` })
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  trace.setGlobalTracerProvider(provider)
  const instrumentations = [new HttpInstrumentation({ disableOutgoingRequestInstrumentation: true })]
  let fastifyOtel
  if (framework === 'express') {
    const { ExpressInstrumentation } = peer('@opentelemetry/instrumentation-express')
    instrumentations.push(new ExpressInstrumentation())
  } else {
    const { FastifyOtelInstrumentation } = peer('@fastify/otel')
    fastifyOtel = new FastifyOtelInstrumentation()
    fastifyOtel.setTracerProvider(provider)
  }
  registerInstrumentations({ tracerProvider: provider, instrumentations })
  const tracer = trace.getTracer('benchmark')

  return {
    fastify: app => app.register(fastifyOtel.plugin()),
    generate(input, think) {
      return tracer.startActiveSpan('answer', { attributes: generationAttributes(input) }, async span => {
        const output = await think()
        span.setAttributes({ 'gen_ai.output.messages': output, 'gen_ai.usage.output_tokens': 1000 })
        span.end()
        return output
      })
    },
    flush: () => provider.forceFlush(),
  }
}
