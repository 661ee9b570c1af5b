import type { Answer } from '../answer/answer.ts'
import { openaiUsage } from '../answer/usage.ts'
import { items, type JsonObject, members, text } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

/** OpenAI's responses API. */
export const openaiResponses: Dialect = {
  name: 'openai-responses',
  provider: 'openai',
  path: /(?:\/deployments\/(?<deployment>[^/]+))?\/responses$/,
  request(body, { deployment }) {
    const model = modelName(body.model) ?? modelName(deployment)
    const isPrompt = typeof members(body.prompt).id === 'string'
    const isAsked = typeof body.input === 'string' || Array.isArray(body.input)
    // A form's answers are posted to paths like this one too.
    if (!isPrompt && (model === undefined || !(isAsked || text(body.previous_response_id)))) return undefined
    return {
      operation: 'chat',
      model,
      parameters: parametersOf(body),
      input: pick(body, ['instructions', 'input', 'prompt', 'previous_response_id', 'tools', 'tool_choice']),
    }
  },
  recognises: ({ object, type }) =>
    object === 'response' || (typeof type === 'string' && type.startsWith('response.')),
  response(data, answer) {
    if (data.object === 'response') return readResponse(data, answer)
    const { type, output_index: index, delta } = data
    const item = members(data.item)
    switch (type) {
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        return readFacts(members(data.response), answer)
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed': {
        const response = members(data.response)
        // It repeats all that came in deltas; a failed one may repeat nothing.
        if (items(response.output).length > 0) answer.restart()
        return readResponse(response, answer)
      }
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return answer.text(delta)
      case 'response.output_item.added':
        if (isCall(item))
          answer.tool({ index, id: item.call_id ?? item.id, name: nameOf(item), custom: isCustom(item) })
        return
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
      case 'response.mcp_call_arguments.delta':
        return answer.tool({ index, arguments: delta })
      default:
        if (/^response\.reasoning(_summary)?_text\.delta$/.test(String(type))) answer.reasoning(delta)
    }
  },
}

function readFacts(response: JsonObject, answer: Answer): void {
  answer.state({ id: response.id, model: response.model })
  answer.parameter('service_tier', response.service_tier)
}

function readResponse(response: JsonObject, answer: Answer): void {
  readFacts(response, answer)
  const { status, usage } = response
  const finishReason = members(response.incomplete_details).reason ?? status
  answer.state({ finishReason, error: members(response.error).message })
  if (status === 'failed' && answer.error === undefined) answer.state({ error: 'the response failed' })
  if (usage) answer.usage(usage, openaiUsage)
  for (const item of items(response.output)) readItem(item, answer)
}

function readItem(item: JsonObject, answer: Answer): void {
  if (item.type === 'message') {
    for (const part of items(item.content)) answer.text(part.text ?? part.refusal)
  } else if (item.type === 'reasoning') {
    for (const part of [...items(item.summary), ...items(item.content)]) answer.reasoning(part.text)
  } else if (item.type === 'image_generation_call') {
    answer.media(`image/${text(item.output_format) ?? 'png'}`, item.result)
  } else if (isCall(item)) {
    const input = item.arguments ?? item.input ?? item.action ?? item.code ?? item.queries
    answer.tool({ id: item.call_id ?? item.id, name: nameOf(item), input, custom: isCustom(item) })
  }
}

/** A call of the app's tools, or of one that OpenAI runs itself. */
function isCall({ type }: JsonObject): boolean {
  return typeof type === 'string' && type.endsWith('_call') && type !== 'image_generation_call'
}

function isCustom({ type }: JsonObject): boolean {
  return type === 'custom_tool_call'
}

function nameOf({ name, type }: JsonObject): unknown {
  return name ?? String(type).replace(/_call$/, '')
}
