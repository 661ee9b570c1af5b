import type { UsageReader } from '../answer/usage.ts'
import { count } from '../answer/usage.ts'
import { items, members, text } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

const usage: UsageReader = ({ prompt_eval_count: input, eval_count: output }) => ({
  input: count(input),
  output: count(output),
})

/** Ollama's chat, generate and embed. */
export const ollama: Dialect = {
  name: 'ollama',
  provider: 'ollama',
  path: /\/api\/(?<method>chat|generate|embed|embeddings)$/,
  request(body, { method }) {
    const model = modelName(body.model)
    if (model === undefined) return undefined
    const parameters = {
      ...parametersOf(pick(body, ['think', 'keep_alive', 'format'])),
      ...parametersOf(members(body.options)),
    }
    if (method === 'chat') {
      if (!Array.isArray(body.messages)) return undefined
      return { operation: 'chat', model, parameters, input: pick(body, ['messages', 'tools', 'format']) }
    }
    if (method === 'generate') {
      const { prompt } = body
      // Without a prompt it only loads the model.
      if (text(prompt) === undefined) return undefined
      const others = pick(body, ['system', 'prompt', 'suffix', 'images', 'format'])
      const input = Object.keys(others).length === 1 ? prompt : others
      return { operation: 'text_completion', model, parameters, input, plainOutput: true }
    }
    const input = body.input ?? body.prompt
    return input === undefined ? undefined : { operation: 'embeddings', model, parameters, input }
  },
  recognises: data =>
    text(data.model) !== undefined &&
    (typeof data.done === 'boolean' || Array.isArray(data.embeddings) || Array.isArray(data.embedding)),
  response(data, answer) {
    const message = members(data.message)
    answer.state({ model: data.model, finishReason: data.done_reason })
    answer.text(message.content ?? data.response)
    answer.reasoning(message.thinking ?? data.thinking)
    // Each comes whole, in one piece.
    for (const call of items(message.tool_calls)) {
      const { name, arguments: input } = members(call.function)
      answer.tool({ id: call.id, name, input: input ?? {} })
    }
    if (data.prompt_eval_count !== undefined || data.eval_count !== undefined) {
      answer.usage(pick(data, ['prompt_eval_count', 'eval_count']), usage)
    }
    const embeddings = Array.isArray(data.embeddings) ? data.embeddings : data.embedding && [data.embedding]
    if (!Array.isArray(embeddings)) return
    answer.figure('embeddings', embeddings.length)
    if (Array.isArray(embeddings[0])) answer.figure('dimensions', embeddings[0].length)
  },
}
