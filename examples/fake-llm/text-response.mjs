import { createHash } from 'node:crypto'
import { answer, textOf } from './answer.mjs'
import { ApiError } from './api-error.mjs'
import { tokensOf } from './text.mjs'

/**
 * Answers a `POST /v1/responses` in text, without tools: the whole response, and its stream events.
 * @param {any} request
 */
export function textResponse(request) {
  if (request.input === undefined || request.tools?.length > 0) {
    throw new ApiError(
      400,
      "The fake LLM's /v1/responses takes 'input' and no tools; /v1/chat/completions takes tools.",
    )
  }
  const input = typeof request.input === 'string' ? [{ role: 'user', content: request.input }] : request.input
  const messages = request.instructions
    ? [{ role: 'system', content: request.instructions }, ...input]
    : input
  const text = answer(messages).content ?? ''
  const tokens = tokensOf(text)
  const read = messages.reduce(
    (/** @type {number} */ sum, /** @type {any} */ message) => sum + tokensOf(textOf(message)).length + 4,
    0,
  )
  const id = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 24)
  const part = { type: 'output_text', text, annotations: [] }
  const whole = {
    id: `resp_${id}`,
    object: 'response',
    created_at: Math.trunc(Date.now() / 1000),
    status: 'completed',
    model: request.model,
    output: [{ type: 'message', id: `msg_${id}`, status: 'completed', role: 'assistant', content: [part] }],
    error: null,
    incomplete_details: null,
    usage: {
      input_tokens: read,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: tokens.length,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: read + tokens.length,
    },
  }
  return { tokens: tokens.length, whole, chunks: () => events(whole, tokens) }
}

/** @param {any} whole @param {string[]} tokens */
function* events(whole, tokens) {
  let sequence_number = 0
  const place = { item_id: whole.output[0].id, output_index: 0, content_index: 0 }
  const message = whole.output[0]
  const part = message.content[0]
  const started = { ...whole, status: 'in_progress', output: [], usage: null }
  yield event({ type: 'response.created', response: started })
  yield event({ type: 'response.output_item.added', output_index: 0, item: { ...message, content: [] } })
  yield event({ type: 'response.content_part.added', ...place, part: { ...part, text: '' } })
  for (const delta of tokens) yield event({ type: 'response.output_text.delta', ...place, delta })
  yield event({ type: 'response.output_text.done', ...place, text: part.text })
  yield event({ type: 'response.content_part.done', ...place, part })
  yield event({ type: 'response.output_item.done', output_index: 0, item: message })
  yield event({ type: 'response.completed', response: whole })

  /** @param {object} data */
  function event(data) {
    return { ...data, sequence_number: sequence_number++ }
  }
}
