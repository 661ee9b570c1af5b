import { createApp } from './app.mjs'

const app = createApp({ ragUrl: process.env.RAG_URL, defaultModel: process.env.OPENAI_MODEL })
const server = app.listen(Number(process.env.PORT ?? 3001), '127.0.0.1', error => {
  if (error) throw error
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`chat-express listens on http://127.0.0.1:${port}`)
})
