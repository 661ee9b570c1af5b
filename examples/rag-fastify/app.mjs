import { Readable } from 'node:stream'
import { observeOpenAI } from '@langfuse/openai'
import langfusePlugin from '@langfuse-middleware/fastify'
import { fastify } from 'fastify'
import { APIError, OpenAI } from 'openai'
import { createDocumentRoutes } from './document-routes.mjs'
import { documents as shopDocuments } from './documents.mjs'
import { promptOf } from './prompt.mjs'
import { createRetrieval } from './retrieval.mjs'

/** @typedef {{ question: string, model?: string }} Ask */

const askSchema = {
  body: {
    type: 'object',
    required: ['question'],
    properties: {
      question: { type: 'string', minLength: 3, maxLength: 500 },
      model: { type: 'string' },
    },
  },
}

/**
 * The RAG app. Its keys and addresses come from the environment: see README.md.
 * @param {{ chatUrl?: string, defaultModel?: string, embeddingModel?: string, documents?: import('./documents.mjs').Document[] }} [options]
 */
export async function createApp({
  chatUrl = 'http://127.0.0.1:3001',
  defaultModel = 'gpt-4.1-mini',
  embeddingModel = 'text-embedding-3-small',
  documents = shopDocuments,
} = {}) {
  const client = new OpenAI()
  const openai = observeOpenAI(client, { generationName: 'answer-from-documents' })
  const retrieval = await createRetrieval(client, { documents, model: embeddingModel })
  const app = fastify()

  // Whoever can reach this app is another service on this machine: it listens on loopback only, see server.mjs.
  await app.register(langfusePlugin, { trust: true })
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof APIError) return reply.code(502).send({ error: 'The model did not answer.' })
    return reply.send(error)
  })

  app.get('/health', { config: { langfuse: false } }, async () => ({ status: 'ok' }))

  app.post('/ask', { schema: askSchema }, async request => {
    const { question, model = defaultModel } = /** @type {Ask} */ (request.body)
    const { signal, traceId } = request.langfuse
    const messages = promptOf(question, await retrieval.retrieve(question, { signal }))
    const completion = await openai.chat.completions.create({ model, messages }, { signal })
    const answer = completion.choices[0]?.message.content
    request.langfuse.update({ input: question, output: answer })
    return { answer, traceId }
  })

  app.post(
    '/ask/stream',
    { schema: askSchema, config: { langfuse: { tags: ['stream'] } } },
    async (request, reply) => {
      const { question, model = defaultModel } = /** @type {Ask} */ (request.body)
      const { signal } = request.langfuse
      const messages = promptOf(question, await retrieval.retrieve(question, { signal }))
      const stream = await openai.chat.completions.create(
        { model, messages, stream: true, stream_options: { include_usage: true } },
        { signal },
      )
      reply.type('text/event-stream')
      return reply.send(Readable.from(events()))

      async function* events() {
        let answer = ''
        for await (const chunk of stream) {
          const text = chunk.choices[0]?.delta.content
          if (!text) continue
          answer += text
          yield `data: ${JSON.stringify(text)}\n\n`
        }
        request.langfuse.update({ input: question, output: answer })
      }
    },
  )

  app.post('/reindex', async (request, reply) => {
    request.langfuse.waitUntil(retrieval.reindex())
    return reply.code(202).send({ status: 'started' })
  })

  await app.register(createDocumentRoutes(chatUrl), { prefix: '/documents' })

  return app
}
