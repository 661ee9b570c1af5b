import { initTracing } from '@langfuse-middleware/core'
import { langfuseErrorHandler, langfuseMiddleware } from '@langfuse-middleware/express'
import express from 'express'
import { answer } from './answer.mjs'
import { sdk } from './instrument.mjs'
import { linkTraces } from './link-traces.mjs'

const tracing = initTracing({ serviceName: 'with-opentelemetry' })
const app = express()

app.use(langfuseMiddleware())
app.use((request, _response, next) => {
  linkTraces(request.langfuse)
  next()
})
app.get('/ask/:topic', async (request, response) => {
  response.json({ answer: await answer(request.params.topic) })
})
app.use(langfuseErrorHandler())

const server = app.listen(Number(process.env.PORT ?? 3022), '127.0.0.1', error => {
  if (error) throw error
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`with-opentelemetry listens on http://127.0.0.1:${port}`)
})

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
  process.once(signal, async () => {
    await tracing.shutdown({ server })
    await sdk.shutdown()
  })
}
