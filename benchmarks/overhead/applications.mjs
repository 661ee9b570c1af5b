// The applications under load: a hello, an answer as an LLM-backed app gives, and a request that stays open. The variant only adds its tracing.
import { setTimeout as delay } from 'node:timers/promises'

const WORDS = 'The quick brown fox jumps over the lazy dog, and nobody asked it why. '
const THINKING_MS = 20

/** What is asked and answered on each route, in bytes of text. */
const SIZES = { hello: [0, 0], chat: [2048, 4096], large: [65_536, 65_536] }

/** Starts the app of a framework with the tracing of `variant`; resolves with its port. */
export function serve(framework, load, variant, route) {
  const reply = text(SIZES[route][1])
  const think = () => delay(THINKING_MS, reply)
  return { express: serveExpress, fastify: serveFastify }[framework](load(framework), variant, think)
}

function serveExpress(express, variant, think) {
  const app = express()
  variant.express?.(app)
  app.get('/hello', (_request, response) => {
    response.json({ hello: 'world' })
  })
  app.post('/chat', express.json({ limit: '1mb' }), async (request, response) => {
    response.json({ answer: await variant.generate(request.body, think) })
  })
  app.get('/hold', () => {})
  variant.expressErrors?.(app)
  return new Promise(resolve => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server.address().port))
  })
}

async function serveFastify(fastify, variant, think) {
  const app = fastify()
  await variant.fastify?.(app)
  app.get('/hello', async () => ({ hello: 'world' }))
  app.post('/chat', async request => ({ answer: await variant.generate(request.body, think) }))
  app.get('/hold', () => new Promise(() => {}))
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
}

/** The bytes of one request of a route. */
export function requestOf(route) {
  const identity = 'x-user-id: ada\r\nx-session-id: session-1\r\nuser-agent: benchmark/1.0\r\naccept: */*'
  if (route === 'hello') return `GET /hello HTTP/1.1\r\nhost: 127.0.0.1\r\n${identity}\r\n\r\n`
  const body = JSON.stringify({ messages: [{ role: 'user', content: text(SIZES[route][0]) }] })
  return `POST /chat HTTP/1.1\r\nhost: 127.0.0.1\r\n${identity}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

function text(bytes) {
  return WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, bytes)
}
