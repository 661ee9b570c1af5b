import { contains, defineEvaluation, judge, maxTokens, noErrors } from '@langfuse-middleware/evaluate'
import { createApp } from 'example-rag-fastify'
import { documents } from 'example-rag-fastify/documents'

// A change that somebody might make: shorter documents save tokens, and lose facts.
const cut = Number(process.env.CUT_DOCUMENTS ?? Number.POSITIVE_INFINITY)

/** @type {import('@langfuse-middleware/evaluate').Evaluator} */
const facts = ({ output, expectedOutput }) => output.answer.includes(expectedOutput)

/** @type {import('@langfuse-middleware/evaluate').Evaluator} */
const rightDocument = ({ trace, metadata }) => {
  const [best] = /** @type {{ id: string }[]} */ (trace.retrievals[0]?.output ?? [])
  return { name: 'right_document', value: best?.id === metadata.document }
}

export default defineEvaluation({
  name: 'shop answers',
  app: () => createApp({ documents: documents.map(({ id, text }) => ({ id, text: text.slice(0, cut) })) }),
  data: new URL('questions.jsonl', import.meta.url).pathname,
  request: item => ({ path: '/ask', body: { question: item.input } }),
  evaluators: [
    facts,
    rightDocument,
    judge({ name: 'helpful', rubric: 'The answer tells the customer the expected fact.', cache: false }),
    contains('According to the documents'),
    noErrors(),
    maxTokens(300),
  ],
  thresholds: {
    facts: { mean: { maxDrop: 0.05 } },
    right_document: { mean: { maxDrop: 0.05 } },
    helpful: { mean: { maxDrop: 0.05 } },
    no_errors: 1,
    max_tokens: { passRate: 1 },
  },
  baseline: new URL('baseline.json', import.meta.url).pathname,
})
