import { initTracing } from '@langfuse-middleware/core'
import langfusePlugin from '@langfuse-middleware/fastify'
import Fastify from 'fastify'
import { answer } from './answer.mjs'
import { fastifyInstrumentation, sdk } from './instrument.mjs'
import { linkTraces } from './link-traces.mjs'

const tracing = initTracing({ serviceName: 'with-opentelemetry' })
const app = Fastify()

await app.register(langfusePlugin)
// After ours: its spans keep the context that it finds when it is called, which must already hold the request's trace.
await app.register(fastifyInstrumentation.plugin())
app.addHook('onRequest', async request => linkTraces(request.langfuse))
app.get('/ask/:topic', async request => {
  const { topic } = /** @type {{ topic: string }} */ (request.params)
  return { answer: await answer(topic) }
})

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
  process.once(signal, async () => {
    await tracing.shutdown({ server: app.server })
    await app.close()
    await sdk.shutdown()
  })
}

const url = await app.listen({ port: Number(process.env.PORT ?? 3023), host: '127.0.0.1' })
console.log(`with-opentelemetry listens on ${url}`)
