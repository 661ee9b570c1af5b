import type { Answer } from '../answer/answer.ts'
import { openaiUsage } from '../answer/usage.ts'
import { items, type JsonObject, members } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

/** OpenAI's chat completions and everything compatible with them: Azure, Groq, Mistral, DeepSeek, xAI, OpenRouter, vLLM, llama.cpp. */
export const openaiChat: Dialect = {
  name: 'openai-chat',
  provider: 'openai',
  path: /(?:\/deployments\/(?<deployment>[^/]+))?\/chat\/completions$/,
  request(body, { deployment }) {
    if (!Array.isArray(body.messages)) return undefined
    return {
      operation: 'chat',
      model: modelName(body.model) ?? modelName(deployment),
      parameters: parametersOf(body),
      input: pick(body, ['messages', 'tools', 'tool_choice', 'functions', 'function_call', 'documents']),
    }
  },
  // Completions have `choices` too, with `text`.
  recognises: data => Array.isArray(data.choices),
  response(data, answer) {
    readFacts(data, answer)
    for (const [position, choice] of items(data.choices).entries()) {
      const index = choice.index ?? position
      const said = members(choice.delta ?? choice.message)
      answer.state({ finishReason: choice.finish_reason, error: members(choice.error).message })
      if (choice.usage) answer.usage(choice.usage, openaiUsage)
      answer.text(choice.text, index)
      readContent(said.content, answer, index)
      answer.text(said.refusal, index)
      answer.reasoning(said.reasoning_content ?? said.reasoning ?? choice.reasoning)
      const audio = members(said.audio)
      answer.text(audio.transcript, index)
      for (const call of items(said.tool_calls)) readToolCall(call, answer, index)
      if (said.function_call) answer.tool({ index: 0, ...members(said.function_call) }, index)
      for (const image of items(said.images)) readImage(image, answer, index)
    }
  },
}

/** What an answer of this form says besides its choices; of completions too. */
export function readFacts(data: JsonObject, answer: Answer): void {
  const usage = data.usage ?? members(data.x_groq).usage
  answer.state({ id: data.id, model: data.model, costUsd: costOf(members(usage)) })
  answer.parameter('service_tier', data.service_tier)
  if (usage) answer.usage(usage, openaiUsage)
}

/** Text, or parts of text and thinking as Mistral writes them. */
function readContent(content: unknown, answer: Answer, index: unknown): void {
  if (typeof content === 'string') return answer.text(content, index)
  for (const part of items(content)) {
    if (part.type === 'thinking') {
      if (typeof part.thinking === 'string') answer.reasoning(part.thinking)
      for (const thought of items(part.thinking)) answer.reasoning(thought.text)
    } else answer.text(part.text, index)
  }
}

function readToolCall(call: JsonObject, answer: Answer, choice: unknown): void {
  const { index, id } = call
  const { name, input } = members(call.custom)
  if (call.custom) answer.tool({ index, id, name, arguments: input, custom: true }, choice)
  else answer.tool({ index, id, ...pick(members(call.function), ['name', 'arguments']) }, choice)
}

/** OpenRouter's generated images. */
function readImage(image: JsonObject, answer: Answer, choice: unknown): void {
  const [, type, base64] = /^data:([^;,]+);base64,(.+)$/s.exec(String(members(image.image_url).url)) ?? []
  answer.media(type, base64, choice)
}

/** What OpenRouter, xAI and Perplexity charged, in USD. */
function costOf(usage: JsonObject): number | undefined {
  const { cost, cost_in_usd_ticks: ticks } = usage
  if (typeof ticks === 'number') return ticks / 1e10
  if (typeof cost === 'object') return members(cost).total_cost as number | undefined
  if (typeof cost !== 'number') return undefined
  // With a key of one's own, OpenRouter charges its fee, and the provider the rest.
  const upstream = usage.is_byok === true ? members(usage.cost_details).upstream_inference_cost : undefined
  return cost + (typeof upstream === 'number' ? upstream : 0)
}
