import { observeOpenAI } from '@langfuse/openai'
import { initTracing } from '@langfuse-middleware/core'
import { langfuseErrorHandler, langfuseMiddleware } from '@langfuse-middleware/express'
import * as Sentry from '@sentry/node'
import express from 'express'
import { OpenAI } from 'openai'

const tracing = initTracing()
const openai = observeOpenAI(new OpenAI({ maxRetries: 0 }), { generationName: 'answer' })
const app = express()

app.use(langfuseMiddleware({ serviceName: 'with-sentry' }))
app.use((request, _response, next) => {
  // Each names the other's trace: from an error in Sentry to the conversation in Langfuse, and back.
  Sentry.setTag('langfuse.trace_id', request.langfuse.traceId)
  request.langfuse.setMetadata({ sentryTraceId: Sentry.getActiveSpan()?.spanContext().traceId })
  next()
})

app.get('/ask/:topic', async (request, response) => {
  const { topic } = request.params
  const known = await Sentry.startSpan({ name: 'look up topic', op: 'db' }, async () => topic !== 'nothing')
  if (!known) throw new Error(`nobody knows about ${topic}`)
  const completion = await openai.chat.completions.create({
    model: String(request.query.model ?? 'gpt-4.1-mini'),
    messages: [{ role: 'user', content: `Tell me about ${topic}.` }],
  })
  const answer = completion.choices[0]?.message.content
  request.langfuse.update({ input: topic, output: answer })
  response.json({ answer })
})

Sentry.setupExpressErrorHandler(app)
app.use(langfuseErrorHandler())

const server = app.listen(Number(process.env.PORT ?? 3021), '127.0.0.1', error => {
  if (error) throw error
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`with-sentry listens on http://127.0.0.1:${port}`)
})

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
  process.once(signal, async () => {
    await tracing.shutdown({ server })
    await Sentry.close(2_000)
  })
}
