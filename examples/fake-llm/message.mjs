import { createHash } from 'node:crypto'
import { answer, textOf } from './answer.mjs'
import { ApiError } from './api-error.mjs'
import { tokensOf } from './text.mjs'

/**
 * Answers a `POST /v1/messages` as Anthropic's API does: the whole message, and its stream events.
 * @param {any} request
 */
export function message(request) {
  if (!Array.isArray(request.messages) || request.messages.length === 0 || !(request.max_tokens > 0)) {
    throw new ApiError(400, 'messages and max_tokens: Field required')
  }
  const messages = [
    ...(request.system ? [{ role: 'system', content: request.system }] : []),
    ...request.messages.flatMap(toolResultsApart),
  ]
  const tools = request.tools?.map(functionOf)
  const { content, toolCalls } = answer(messages, tools)
  const tokens = tokensOf(content ?? '')
  const said = tokens.slice(0, request.max_tokens)
  const calls = toolCalls.map(({ id, function: { name, arguments: input } }) => ({ id, name, input }))
  const spoken = said.length + calls.reduce((sum, { input }) => sum + tokensOf(input).length + 3, 0)
  const read =
    messages.reduce((sum, message) => sum + tokensOf(textOf(message)).length + 4, 0) +
    (tools ? tokensOf(JSON.stringify(tools)).length : 0)
  const whole = {
    id: `msg_${createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 24)}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: [
      ...(said.length > 0 ? [{ type: 'text', text: said.join(''), citations: null }] : []),
      ...calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input: JSON.parse(input) })),
    ],
    stop_reason: calls.length > 0 ? 'tool_use' : said.length < tokens.length ? 'max_tokens' : 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: read,
      output_tokens: spoken,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  }
  return { tokens: spoken, whole, chunks: () => events(whole) }
}

/** @param {any} whole */
function* events({ content, stop_reason, usage, ...head }) {
  const begun = { ...head, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } }
  yield { type: 'message_start', message: begun }
  for (const [index, block] of content.entries()) {
    const isText = block.type === 'text'
    const content_block = isText ? { ...block, text: '' } : { ...block, input: {} }
    yield { type: 'content_block_start', index, content_block }
    for (const piece of tokensOf(isText ? block.text : JSON.stringify(block.input))) {
      const delta = isText
        ? { type: 'text_delta', text: piece }
        : { type: 'input_json_delta', partial_json: piece }
      yield { type: 'content_block_delta', index, delta }
    }
    yield { type: 'content_block_stop', index }
  }
  yield { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage }
  yield { type: 'message_stop' }
}

/** Results of tools, which Anthropic has in messages of the user, as messages of their own. @param {any} message */
function toolResultsApart(message) {
  const blocks = Array.isArray(message.content) ? message.content : []
  const results = blocks.filter((/** @type {any} */ block) => block.type === 'tool_result')
  if (results.length === 0) return [message]
  return results.map((/** @type {any} */ { content }) => ({ role: 'tool', content }))
}

/** @param {any} tool @returns {import('./tool-calls.mjs').Tool} */
function functionOf({ name, description, input_schema }) {
  return { type: 'function', function: { name, description, parameters: input_schema } }
}
