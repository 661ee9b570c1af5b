import type { Answer } from '../answer/answer.ts'
import { anthropicUsage } from '../answer/usage.ts'
import { items, type JsonObject, members } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

const EVENTS = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'ping',
])

/** Anthropic's messages, on Vertex too. */
export const anthropic: Dialect = {
  name: 'anthropic',
  provider: 'anthropic',
  path: /\/v1\/messages$|\/models\/(?<model>[^/:]+):(?:rawPredict|streamRawPredict)$/,
  request(body, { model }) {
    const asked = modelName(body.model) ?? modelName(model)
    if (asked === undefined || !Array.isArray(body.messages)) return undefined
    return {
      operation: 'chat',
      model: asked,
      parameters: parametersOf(body),
      input: pick(body, ['system', 'messages', 'tools', 'tool_choice', 'mcp_servers']),
    }
  },
  recognises: ({ type }) => type === 'message' || EVENTS.has(type as string),
  response(data, answer) {
    const { index } = data
    const delta = members(data.delta)
    switch (data.type) {
      case 'message':
        return readMessage(data, answer)
      case 'message_start':
        return readMessage(members(data.message), answer)
      case 'content_block_start':
        return readBlock(members(data.content_block), answer, index)
      case 'content_block_delta':
        answer.text(delta.text)
        answer.reasoning(delta.thinking)
        if (typeof delta.partial_json === 'string') answer.tool({ index, arguments: delta.partial_json })
        return
      case 'message_delta':
        answer.state({ finishReason: delta.stop_reason })
        return readUsage(data.usage, answer)
    }
  },
}

function readMessage(message: JsonObject, answer: Answer): void {
  answer.state({ id: message.id, model: message.model, finishReason: message.stop_reason })
  readUsage(message.usage, answer)
  for (const [index, block] of items(message.content).entries()) {
    readBlock(block, answer, index)
    if (isToolUse(block)) answer.tool({ index, input: block.input })
  }
}

/** A block, or the start of one: the input of a tool starts as an empty object, which deltas then spell out. */
function readBlock(block: JsonObject, answer: Answer, index: unknown): void {
  if (isToolUse(block)) answer.tool({ index, id: block.id, name: block.name })
  else {
    answer.text(block.text)
    answer.reasoning(block.thinking)
  }
}

function isToolUse({ type }: JsonObject): boolean {
  return typeof type === 'string' && type.endsWith('tool_use')
}

function readUsage(reported: unknown, answer: Answer): void {
  if (!reported) return
  const usage = members(reported)
  answer.usage(usage, anthropicUsage)
  answer.parameter('service_tier', usage.service_tier)
  answer.parameter('speed', usage.speed)
  answer.figure('web_search_requests', members(usage.server_tool_use).web_search_requests)
}
