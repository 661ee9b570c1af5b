import { items } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { openaiChat, readFacts } from './openai-chat.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

/** OpenAI's older text completions, fill-in-the-middle included. */
export const openaiCompletions: Dialect = {
  name: 'openai-completions',
  provider: 'openai',
  path: /(?:\/deployments\/(?<deployment>[^/]+))?(?<!\/chat)\/completions$/,
  request(body, { deployment }) {
    const model = modelName(body.model) ?? modelName(deployment)
    if (model === undefined || (typeof body.prompt !== 'string' && !Array.isArray(body.prompt)))
      return undefined
    const { prompt, suffix } = body
    return {
      operation: 'text_completion',
      model,
      parameters: parametersOf(body),
      input: suffix === undefined || suffix === null ? prompt : pick(body, ['prompt', 'suffix']),
      plainOutput: true,
    }
  },
  recognises: data => data.object === 'text_completion',
  response(data, answer) {
    // Mistral answers fill-in-the-middle with messages.
    if (items(data.choices).some(choice => choice.message || choice.delta))
      return openaiChat.response(data, answer)
    readFacts(data, answer)
    for (const [position, choice] of items(data.choices).entries()) {
      answer.text(choice.text, choice.index ?? position)
      answer.state({ finishReason: choice.finish_reason })
    }
  },
}
