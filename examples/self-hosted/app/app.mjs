import { langfuseMiddleware } from '@langfuse-middleware/express'
import express from 'express'

const app = express()
// LANGFUSE_QUEUE_URL and LANGFUSE_PUBLIC_KEY are all that it needs.
app.use(langfuseMiddleware())
app.get('/', (request, response) => {
  request.langfuse.update({ input: 'ping', output: 'pong' })
  response.json({ answer: 'pong' })
})
const server = app.listen(process.env.PORT ?? 8080, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`listening on ${port}`)
})
