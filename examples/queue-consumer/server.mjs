import { injectTraceHeaders } from '@langfuse-middleware/core'
import { langfuseErrorHandler, langfuseMiddleware } from '@langfuse-middleware/express'
import express from 'express'
import { consume } from './consumer.mjs'
import { createMessageQueue } from './message-queue.mjs'

const queue = createMessageQueue()
const app = express()

app.use(langfuseMiddleware())
app.use(express.json())

app.post('/reports', (request, response) => {
  const { topic } = request.body
  queue.send({ headers: injectTraceHeaders({}), body: { topic } })
  response.status(202).json({ status: 'ordered', traceId: request.langfuse.traceId })
})

app.use(langfuseErrorHandler())

consume(queue.receive())

const server = app.listen(Number(process.env.PORT ?? 3013), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`queue-consumer listens on http://127.0.0.1:${port}`)
})
