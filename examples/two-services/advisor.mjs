import { startObservation } from '@langfuse/tracing'
import langfusePlugin from '@langfuse-middleware/fastify'
import { fastify } from 'fastify'

const app = fastify()

// Whoever reaches this service is one of ours, because it listens on loopback only. Elsewhere, say whom to trust:
// trust: request => request.headers['x-internal-key'] === process.env.INTERNAL_KEY
await app.register(langfusePlugin, { serviceName: 'advisor', trust: true })

app.get('/advice/:occasion', async request => {
  const { occasion } = /** @type {{ occasion: string }} */ (request.params)
  const attributes = { model: 'rule-of-thumb', input: occasion }
  const generation = startObservation('choose', attributes, { asType: 'generation' })
  const gift = occasion === 'wedding' ? 'a teapot' : 'a cup'
  generation.update({ output: gift, usageDetails: { input: 1, output: 2 } }).end()
  return { gift }
})

const url = await app.listen({ port: Number(process.env.PORT ?? 3012), host: '127.0.0.1' })
console.log(`advisor listens on ${url}`)
