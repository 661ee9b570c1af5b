import { register } from 'node:module'
import { FastifyOtelInstrumentation } from '@fastify/otel'
import { langfuseSpanProcessor } from '@langfuse-middleware/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

// Lets the instrumentations patch modules that are imported.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url)

/** Registered by the Fastify app itself, after our plugin. */
export const fastifyInstrumentation = new FastifyOtelInstrumentation()

/** The app's OpenTelemetry SDK; traces go to OTEL_EXPORTER_OTLP_ENDPOINT. */
export const sdk = new NodeSDK({
  serviceName: 'with-opentelemetry',
  instrumentations: [
    new HttpInstrumentation(),
    new ExpressInstrumentation(),
    fastifyInstrumentation,
    new OpenAIInstrumentation(),
  ],
  // Everything to the OTLP backend; to Langfuse, copies of the spans that it shows.
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter()), langfuseSpanProcessor()],
})
sdk.start()
