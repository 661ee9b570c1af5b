import { initTracing } from '@langfuse-middleware/core'
import { createApp } from './app.mjs'

const tracing = initTracing()
const app = await createApp({ model: process.env.MODEL })

// Answers what is under way, sends the traces of it, and ends.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => tracing.shutdown({ server: app.server }).then(() => app.close()))
}

const url = await app.listen({ port: Number(process.env.PORT ?? 3004), host: '127.0.0.1' })
console.log(`ai-sdk-fastify listens on ${url}`)
