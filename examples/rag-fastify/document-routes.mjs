import { documents } from './documents.mjs'

/** @typedef {{ id: string }} ById */

/**
 * Routes below `/documents`. The summary comes from the chat app, whose part of the work is in the same trace.
 * @param {string} chatUrl
 * @returns {import('fastify').FastifyPluginAsync}
 */
export function createDocumentRoutes(chatUrl) {
  /** @type {Map<string, string>} */
  const summaries = new Map()

  return async app => {
    app.get('/:id', async (request, reply) => {
      const document = find(request)
      if (!document) return reply.code(404).send({ error: 'There is no such document.' })
      return { ...document, summary: summaries.get(document.id) }
    })

    app.post('/:id/summary', async (request, reply) => {
      const document = find(request)
      if (!document) return reply.code(404).send({ error: 'There is no such document.' })
      const response = await fetch(`${chatUrl}/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: `Summarise: ${document.text}` }),
        signal: request.langfuse.signal,
      })
      if (!response.ok) return reply.code(502).send({ error: 'The chat app did not answer.' })
      const { answer } = /** @type {{ answer: string }} */ (await response.json())
      summaries.set(document.id, answer)
      return { summary: answer }
    })
  }
}

/** @param {import('fastify').FastifyRequest} request */
function find(request) {
  const wanted = /** @type {ById} */ (request.params)
  return documents.find(({ id }) => id === wanted.id)
}
