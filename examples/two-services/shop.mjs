import { langfuseMiddleware } from '@langfuse-middleware/express'
import express from 'express'

const advisorUrl = process.env.ADVISOR_URL ?? 'http://127.0.0.1:3012'
const app = express()

app.use(langfuseMiddleware({ serviceName: 'shop' }))

app.get('/gifts/:occasion', async (request, response) => {
  // Nothing to add here: to a private address the request carries the trace, with its user and session.
  const advice = await fetch(`${advisorUrl}/advice/${encodeURIComponent(request.params.occasion)}`)
  response.status(advice.status).json(await advice.json())
})

const server = app.listen(Number(process.env.PORT ?? 3011), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`shop listens on http://127.0.0.1:${port}`)
})
