import { members } from '../wire/json.ts'
import { cohereUsage } from './cohere-chat.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf } from './parameters.ts'

/** Cohere's embed, versions 1 and 2. Vectors are never kept. */
export const cohereEmbed: Dialect = {
  name: 'cohere-embed',
  provider: 'cohere',
  path: /\/v[12]\/embed$/,
  request(body) {
    const model = modelName(body.model)
    const input = body.texts ?? body.inputs
    if (model === undefined || !Array.isArray(input)) return undefined
    return { operation: 'embeddings', model, parameters: parametersOf(body), input }
  },
  recognises: data => /^embeddings_/.test(String(data.response_type)),
  response(data, answer) {
    const { embeddings } = data
    const [vectors] = Array.isArray(embeddings) ? [embeddings] : Object.values(members(embeddings))
    answer.state({ id: data.id })
    const { meta } = data
    if (meta) answer.usage(meta, cohereUsage)
    if (!Array.isArray(vectors)) return
    answer.figure('embeddings', vectors.length)
    if (Array.isArray(vectors[0])) answer.figure('dimensions', vectors[0].length)
  },
}
