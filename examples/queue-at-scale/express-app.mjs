import { langfuseMiddleware } from '@langfuse-middleware/express'
import express from 'express'

const app = express()
// LANGFUSE_QUEUE_URL and LANGFUSE_PUBLIC_KEY lead it to the queue.
app.use(langfuseMiddleware({ serviceName: 'express-app' }))
app.get('/questions/:id', (request, response) => {
  request.langfuse.update({ input: request.params.id, output: 'yes' })
  response.json({ answer: 'yes' })
})

const host = process.env.HOST ?? '127.0.0.1'
const server = app.listen(Number(process.env.PORT ?? 8081), host, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`express-app listens on http://${host}:${port}`)
})
