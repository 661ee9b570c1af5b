import { initTracing } from '@langfuse-middleware/core'
import { createApp } from './app.mjs'

const tracing = initTracing()
const app = createApp({ model: process.env.MODEL })

const server = app.listen(Number(process.env.PORT ?? 3003), '127.0.0.1', error => {
  if (error) throw error
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`langgraph-express listens on http://127.0.0.1:${port}`)
})

// Answers what is under way, sends the traces of it, and ends.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => tracing.shutdown({ server }))
