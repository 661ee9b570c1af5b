import type { Answer } from '../answer/answer.ts'
import { count, geminiUsage } from '../answer/usage.ts'
import { items, type JsonObject, members, text } from '../wire/json.ts'
import type { CallRequest, Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

/** Gemini, at Google AI and on Vertex. */
export const gemini: Dialect = {
  name: 'gemini',
  provider: 'gcp.gemini',
  path: /\/(?:models|tunedModels|endpoints)\/(?<model>[^/:]+):(?<method>generateContent|streamGenerateContent|embedContent|batchEmbedContents|asyncBatchEmbedContent|predict)$/,
  request(body, { model: asked, method = '' }) {
    const model = modelName(asked)
    if (method.endsWith('enerateContent')) return generation(body, model)
    const input = embedded(body)
    if (input === undefined) return undefined
    return { operation: 'embeddings', model, parameters: parametersOf(members(body.parameters)), input }
  },
  recognises: data =>
    Array.isArray(data.candidates) ||
    data.usageMetadata !== undefined ||
    data.promptFeedback !== undefined ||
    Array.isArray(members(data.embedding).values),
  response(data, answer) {
    const usage = data.usageMetadata ?? data.usage_metadata
    answer.state({
      id: data.responseId,
      model: modelName(data.modelVersion),
      finishReason: members(data.promptFeedback).blockReason,
    })
    if (usage) answer.usage(usage, geminiUsage)
    answer.parameter('service_tier', members(usage).serviceTier)
    for (const [position, candidate] of items(data.candidates).entries()) {
      const index = candidate.index ?? position
      answer.state({ finishReason: candidate.finishReason })
      for (const part of items(members(candidate.content).parts)) readPart(part, answer, index)
    }
    readEmbeddings(data, answer)
  },
}

function generation(body: JsonObject, model: string | undefined): CallRequest | undefined {
  if (!Array.isArray(body.contents) && typeof body.contents !== 'object') return undefined
  const config = members(body.generationConfig ?? body.generation_config)
  const { thinkingBudget, thinkingLevel } = members(config.thinkingConfig ?? config.thinking_config)
  return {
    operation: 'generate_content',
    model,
    parameters: {
      ...parametersOf(config),
      ...(typeof thinkingBudget === 'number' && { thinkingBudget }),
      ...(typeof thinkingLevel === 'string' && { thinkingLevel }),
    },
    input: pick(body, [
      'systemInstruction',
      'system_instruction',
      'contents',
      'tools',
      'toolConfig',
      'tool_config',
      'cachedContent',
    ]),
  }
}

/** The texts to embed; undefined if there are none, as in other predictions of Vertex. */
function embedded(body: JsonObject): unknown {
  if (body.content !== undefined) return textsOf(body.content)
  if (Array.isArray(body.requests)) return items(body.requests).map(({ content }) => textsOf(content))
  const texts = items(body.instances).map(({ content }) => text(content))
  return texts.length > 0 && texts.every(one => one !== undefined) ? texts : undefined
}

function textsOf(content: unknown): unknown {
  const texts = items(members(content).parts).map(part => part.text)
  return texts.length === 1 ? texts[0] : content
}

function readPart(part: JsonObject, answer: Answer, choice: unknown): void {
  if (part.thought === true) return answer.reasoning(part.text)
  answer.text(part.text, choice)
  const call = members(part.functionCall)
  if (part.functionCall) answer.tool({ id: call.id, name: call.name, input: call.args ?? {} }, choice)
  const code = members(part.executableCode)
  if (part.executableCode) answer.tool({ name: 'code_execution', input: code }, choice)
  const { mimeType, data } = members(part.inlineData)
  answer.media(mimeType, data, choice)
}

function readEmbeddings(data: JsonObject, answer: Answer): void {
  const predictions = items(data.predictions).map(({ embeddings }) => members(embeddings))
  const embeddings = data.embedding ? [members(data.embedding)] : [...items(data.embeddings), ...predictions]
  const [first] = embeddings
  if (first === undefined) return
  answer.figure('embeddings', embeddings.length)
  if (Array.isArray(first.values)) answer.figure('dimensions', first.values.length)
  const counted = embeddings.map(({ statistics }) => {
    const { token_count: tokens, tokenCount } = members(statistics)
    return count(tokens ?? tokenCount) ?? 0
  })
  const promptTokenCount = counted.reduce((sum, tokens) => sum + tokens, 0)
  if (promptTokenCount > 0) answer.usage({ promptTokenCount }, geminiUsage)
}
