import langfusePlugin from '@langfuse-middleware/fastify'
import { fastify } from 'fastify'

const app = fastify()
await app.register(langfusePlugin, { serviceName: 'fastify-app' })
app.get('/questions/:id', async request => {
  const { id } = /** @type {{ id: string }} */ (request.params)
  request.langfuse.update({ input: id, output: 'no' })
  return { answer: 'no' }
})

const host = process.env.HOST ?? '127.0.0.1'
const url = await app.listen({ port: Number(process.env.PORT ?? 8082), host })
console.log(`fastify-app listens on ${url}`)
