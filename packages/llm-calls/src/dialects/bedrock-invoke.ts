import type { Answer } from '../answer/answer.ts'
import { converseUsage } from '../answer/usage.ts'
import { items, type JsonObject, members, text } from '../wire/json.ts'
import { anthropic } from './anthropic.ts'
import { bedrockConverse } from './bedrock-converse.ts'
import { cohereChat } from './cohere-chat.ts'
import type { Dialect } from './dialect.ts'
import { openaiChat } from './openai-chat.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

const VENDORS = [anthropic, bedrockConverse, openaiChat, cohereChat]
const METRICS = 'amazon-bedrock-invocationMetrics'
const OWN_MEMBERS = [METRICS, 'generation', 'results', 'outputs', 'outputText', 'inputTextTokenCount']

/** Bedrock's invoke: bodies are those of the model's vendor. */
export const bedrockInvoke: Dialect = {
  name: 'bedrock-invoke',
  provider: 'aws.bedrock',
  path: /\/model\/(?<model>[^/]+)\/invoke(?:-with-response-stream)?$/,
  request(body, groups) {
    const model = modelName(groups.model)
    const embedded = body.texts ?? (isEmbedding(model) ? (body.inputText ?? body.input) : undefined)
    if (embedded !== undefined)
      return { operation: 'embeddings', model, parameters: parametersOf(body), input: embedded }
    const config = members(body.inferenceConfig ?? body.textGenerationConfig)
    const parameters = { ...parametersOf(body), ...parametersOf(config) }
    if (Array.isArray(body.messages)) {
      const input = pick(body, ['system', 'messages', 'tools', 'tool_choice', 'toolConfig'])
      return { operation: 'chat', model, parameters, input }
    }
    const input = text(body.prompt) ?? text(body.inputText) ?? text(body.message)
    return input === undefined ? undefined : { operation: 'chat', model, parameters, input }
  },
  recognises: data => OWN_MEMBERS.some(name => data[name] !== undefined),
  response(data, answer) {
    VENDORS.find(vendor => vendor.recognises(data))?.response(data, answer)
    readOthers(data, answer)
    const metrics = members(data[METRICS])
    if (data[METRICS]) {
      answer.usage(
        {
          inputTokens: metrics.inputTokenCount,
          outputTokens: metrics.outputTokenCount,
          cacheReadInputTokens: metrics.cacheReadInputTokenCount,
          cacheWriteInputTokens: metrics.cacheWriteInputTokenCount,
        },
        converseUsage,
      )
    }
  },
  headers(header, answer) {
    bedrockConverse.headers?.(header, answer)
    const inputTokens = Number(header('x-amzn-bedrock-input-token-count') ?? Number.NaN)
    const outputTokens = Number(header('x-amzn-bedrock-output-token-count') ?? Number.NaN)
    if (inputTokens >= 0) answer.usage({ inputTokens, outputTokens }, converseUsage)
  },
}

function isEmbedding(model: string | undefined): boolean {
  return model !== undefined && /embed/i.test(model)
}

/** Llama, Titan and Mistral's text models. */
function readOthers(data: JsonObject, answer: Answer): void {
  answer.text(data.generation ?? data.outputText)
  answer.state({ finishReason: data.stop_reason ?? data.completionReason })
  for (const result of [...items(data.results), ...items(data.outputs)]) {
    answer.text(result.outputText ?? result.text)
    answer.state({ finishReason: result.completionReason ?? result.stop_reason })
  }
  const [result] = items(data.results)
  const inputTokens = data.prompt_token_count ?? data.inputTextTokenCount
  const outputTokens = data.generation_token_count ?? data.totalOutputTextTokenCount ?? result?.tokenCount
  if (typeof inputTokens === 'number' || typeof outputTokens === 'number') {
    answer.usage({ inputTokens, outputTokens }, converseUsage)
  }
  if (Array.isArray(data.embedding)) answer.figure('dimensions', data.embedding.length)
}
