import { count, type UsageReader } from '../answer/usage.ts'
import { items, members, text } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

/** Cohere bills searches; Jina and Voyage count tokens. */
const usage: UsageReader = ({ total_tokens: total, tokens }) => ({
  input: count(total) ?? count(members(tokens).input_tokens),
})

/** Rerank, as Cohere, Jina, Voyage and vLLM have it. */
export const rerank: Dialect = {
  name: 'rerank',
  provider: 'cohere',
  path: /\/rerank$/,
  request(body) {
    const documents = body.documents ?? body.texts
    if (text(body.query) === undefined || !Array.isArray(documents)) return undefined
    return {
      operation: 'rerank',
      model: modelName(body.model),
      parameters: parametersOf(body),
      input: pick(body, ['query', 'documents', 'texts']),
    }
  },
  recognises: data =>
    items(data.results ?? data.data).some(
      result => result.relevance_score !== undefined && result.index !== undefined,
    ),
  response(data, answer) {
    answer.state({ id: data.id, model: data.model })
    for (const result of items(data.results ?? data.data)) {
      answer.result(pick(result, ['index', 'relevance_score', 'score', 'document']))
    }
    const reported = data.usage ?? data.meta
    if (reported) answer.usage(reported, usage)
    answer.figure('search_units', members(members(data.meta).billed_units).search_units)
  },
}
