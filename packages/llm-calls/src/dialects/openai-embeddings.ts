import { openaiUsage } from '../answer/usage.ts'
import { items, text } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf } from './parameters.ts'

/** OpenAI's embeddings and what is compatible with them: Azure, Mistral, Voyage, Jina, vLLM. Vectors are never kept. */
export const openaiEmbeddings: Dialect = {
  name: 'openai-embeddings',
  provider: 'openai',
  path: /(?:\/deployments\/(?<deployment>[^/]+))?(?<!\/api)\/embeddings$/,
  request(body, { deployment }) {
    const model = modelName(body.model) ?? modelName(deployment)
    const { input } = body
    if (model === undefined || (typeof input !== 'string' && !Array.isArray(input))) return undefined
    return { operation: 'embeddings', model, parameters: parametersOf(body), input: withoutTokens(input) }
  },
  recognises: data => items(data.data).some(item => item.embedding !== undefined),
  response(data, answer) {
    const embeddings = items(data.data)
    const [first] = embeddings
    answer.state({ id: data.id, model: data.model })
    if (embeddings.length > 0) answer.figure('embeddings', embeddings.length)
    if (Array.isArray(first?.embedding)) answer.figure('dimensions', first.embedding.length)
    const usage = data.usage as Record<string, unknown> | undefined
    if (usage === undefined || usage === null) return
    // Voyage and Jina report the total alone.
    answer.usage(
      { prompt_tokens: usage.prompt_tokens ?? usage.total_tokens, ...usage },
      (counters, model) => ({
        input: openaiUsage(counters, model).input,
      }),
    )
  },
}

/** Token ids, as LangChain for Python and older clients send them, are no text. */
function withoutTokens(input: unknown): unknown {
  const [first] = Array.isArray(input) ? input : []
  if (typeof first === 'number') return `[${(input as unknown[]).length} tokens]`
  if (!Array.isArray(first)) return input
  return (input as unknown[]).map(tokens =>
    Array.isArray(tokens) ? `[${tokens.length} tokens]` : text(tokens),
  )
}
