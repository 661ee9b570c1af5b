import { createHash } from 'node:crypto'
import { answer, textOf } from './answer.mjs'
import { ApiError } from './api-error.mjs'
import { tokensOf } from './text.mjs'

/**
 * Answers a `POST /v1/chat/completions`: the whole completion, and the same cut into stream chunks.
 * @param {any} request
 */
export function chatCompletion(request) {
  if (!Array.isArray(request.messages) || request.messages.length === 0) {
    throw new ApiError(400, "Missing required parameter: 'messages'.", { code: 'missing_required_parameter' })
  }
  const { content, toolCalls } = answer(request.messages, request.tools, request.tool_choice)
  const { tokens, finishReason } = limit(content, request, toolCalls.length > 0 ? 'tool_calls' : 'stop')
  const spoken =
    tokens.length + toolCalls.reduce((sum, call) => sum + tokensOf(call.function.arguments).length + 3, 0)
  const usage = usageOf(request, spoken)
  const head = {
    id: `chatcmpl-${createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 24)}`,
    created: Math.trunc(Date.now() / 1000),
    model: request.model,
    system_fingerprint: 'fp_stand_in',
  }
  const message = {
    role: 'assistant',
    content: content === null ? null : tokens.join(''),
    refusal: null,
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  }
  return {
    tokens: spoken,
    whole: {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
      usage,
    },
    chunks: () =>
      chunks(
        head,
        tokens,
        toolCalls,
        finishReason,
        request.stream_options?.include_usage ? usage : undefined,
      ),
  }
}

/**
 * @param {object} head
 * @param {string[]} tokens
 * @param {import('./tool-calls.mjs').ToolCall[]} toolCalls
 * @param {string} finishReason
 * @param {object | undefined} usage
 */
function* chunks(head, tokens, toolCalls, finishReason, usage) {
  /** @param {object} delta @param {string | null} finish_reason */
  const chunk = (delta, finish_reason = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(usage && { usage: null }),
  })
  yield chunk({ role: 'assistant', content: toolCalls.length > 0 ? null : '', refusal: null })
  for (const content of tokens) yield chunk({ content })
  for (const [index, { id, type, function: called }] of toolCalls.entries()) {
    yield chunk({ tool_calls: [{ index, id, type, function: { name: called.name, arguments: '' } }] })
    for (const piece of tokensOf(called.arguments)) {
      yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] })
    }
  }
  yield chunk({}, finishReason)
  if (usage) yield { ...head, object: 'chat.completion.chunk', choices: [], usage }
}

/** @param {string | null} content @param {any} request @param {string} finishReason */
function limit(content, request, finishReason) {
  const tokens = tokensOf(content ?? '')
  const most = request.max_completion_tokens ?? request.max_tokens ?? tokens.length
  return tokens.length > most
    ? { tokens: tokens.slice(0, most), finishReason: 'length' }
    : { tokens, finishReason }
}

/** @param {any} request @param {number} spoken */
function usageOf(request, spoken) {
  const said = request.messages.reduce(
    (/** @type {number} */ sum, /** @type {any} */ message) => sum + tokensOf(textOf(message)).length + 4,
    0,
  )
  const read = said + (request.tools ? tokensOf(JSON.stringify(request.tools)).length : 0)
  return {
    prompt_tokens: read,
    completion_tokens: spoken,
    total_tokens: read + spoken,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
}
