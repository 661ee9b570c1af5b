import { observe, startActiveObservation } from '@langfuse/tracing'
import { traceJob } from '@langfuse-middleware/core'

/** @typedef {import('./documents.mjs').Document} Document */

/**
 * Embeds the documents and searches them by meaning.
 * @param {import('openai').OpenAI} openai
 * @param {{ documents: Document[], model: string, most?: number }} options
 */
export async function createRetrieval(openai, { documents, model, most = 3 }) {
  // No request asked for it: a trace of its own.
  let vectors = await traceJob('index documents', embedDocuments)

  return {
    /** @param {string} question @param {{ signal: AbortSignal }} options @returns {Promise<Document[]>} */
    retrieve: (question, { signal }) =>
      startActiveObservation(
        'retrieve-documents',
        async retriever => {
          const wanted = await embed(question, { signal })
          const found = documents
            .map((document, place) => ({ document, score: dot(wanted, vectors[place] ?? []) }))
            .sort((a, b) => b.score - a.score)
            .slice(0, most)
          const output = found.map(({ document, score }) => ({
            id: document.id,
            score: Number(score.toFixed(3)),
          }))
          retriever.update({ input: question, output })
          return found.map(({ document }) => document)
        },
        { asType: 'retriever' },
      ),

    /** Embeds the documents anew, one after the other, while the old vectors serve. */
    reindex: observe(
      async () => {
        const fresh = []
        for (const { text } of documents) fresh.push(await embed(text))
        vectors = fresh
        return { documents: fresh.length }
      },
      { name: 'reindex', asType: 'chain' },
    ),
  }

  async function embedDocuments() {
    const { data } = await openai.embeddings.create({ model, input: documents.map(({ text }) => text) })
    return data.map(({ embedding }) => embedding)
  }

  /** @param {string} input @param {{ signal?: AbortSignal }} [options] @returns {Promise<number[]>} */
  function embed(input, options) {
    return startActiveObservation(
      'embed',
      async observation => {
        observation.update({ input, model })
        const { data, usage } = await openai.embeddings.create({ model, input }, options)
        const embedding = data[0]?.embedding ?? []
        observation.update({
          output: { dimensions: embedding.length },
          usageDetails: { input: usage.prompt_tokens, total: usage.total_tokens },
        })
        return embedding
      },
      { asType: 'embedding' },
    )
  }
}

/** @param {number[]} a @param {number[]} b */
function dot(a, b) {
  return a.reduce((sum, value, place) => sum + value * (b[place] ?? 0), 0)
}
