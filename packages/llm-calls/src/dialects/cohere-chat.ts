import type { Answer } from '../answer/answer.ts'
import { count, type UsageReader } from '../answer/usage.ts'
import { items, type JsonObject, members } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

/** Tokens as they were processed; billed units only if those are missing. */
export const cohereUsage: UsageReader = counters => {
  const { input_tokens: input, output_tokens: output } = members(counters.tokens ?? counters.billed_units)
  return { input: count(input), output: count(output) }
}

const EVENT =
  /^(?:message-(?:start|end)|content-(?:start|delta|end)|tool-plan-delta|tool-call-(?:start|delta|end)|citation-(?:start|end))$/

/** Cohere's chat, version 2. */
export const cohereChat: Dialect = {
  name: 'cohere-chat',
  provider: 'cohere',
  path: /\/v2\/chat$/,
  request(body) {
    const model = modelName(body.model)
    if (model === undefined || !Array.isArray(body.messages)) return undefined
    return {
      operation: 'chat',
      model,
      parameters: parametersOf(body),
      input: pick(body, ['messages', 'tools', 'documents', 'tool_choice']),
    }
  },
  recognises: ({ type, message, finish_reason: reason }) =>
    EVENT.test(String(type)) || (typeof reason === 'string' && members(message).role === 'assistant'),
  response(data, answer) {
    if (data.type === undefined) {
      answer.state({ id: data.id, finishReason: data.finish_reason })
      if (data.usage) answer.usage(data.usage, cohereUsage)
      return readMessage(members(data.message), answer)
    }
    const delta = members(data.delta)
    answer.state({ id: data.id, finishReason: delta.finish_reason, error: delta.error })
    if (delta.usage) answer.usage(delta.usage, cohereUsage)
    readMessage(members(delta.message), answer, data.index)
  },
}

/** A whole message, or a piece of one, in which lists are single objects. */
function readMessage(message: JsonObject, answer: Answer, index?: unknown): void {
  for (const block of listOf(message.content)) {
    answer.text(block.text)
    answer.reasoning(block.thinking)
  }
  answer.reasoning(message.tool_plan)
  for (const call of listOf(message.tool_calls)) {
    answer.tool({ index, id: call.id, ...pick(members(call.function), ['name', 'arguments']) })
  }
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? items(value) : value ? [members(value)] : []
}
