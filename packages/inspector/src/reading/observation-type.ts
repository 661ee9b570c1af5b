import type { Attributes, OtlpSpan } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { firstString } from './attribute-reading.ts'

const openInferenceTypes: Record<string, string> = {
  CHAIN: 'chain',
  RETRIEVER: 'retriever',
  LLM: 'generation',
  EMBEDDING: 'embedding',
  AGENT: 'agent',
  TOOL: 'tool',
  GUARDRAIL: 'guardrail',
  EVALUATOR: 'evaluator',
}

const genAiTypes: Record<string, string> = {
  chat: 'generation',
  completion: 'generation',
  text_completion: 'generation',
  generate_content: 'generation',
  generate: 'generation',
  embeddings: 'embedding',
  invoke_agent: 'agent',
  create_agent: 'agent',
  execute_tool: 'tool',
}

// The AI SDK may add the id of a function to the name of an operation.
const aiSdkTypes: readonly (readonly [prefix: string, type: string])[] = [
  ['ai.generateText.doGenerate', 'generation'],
  ['ai.streamText.doStream', 'generation'],
  ['ai.generateObject.doGenerate', 'generation'],
  ['ai.streamObject.doStream', 'generation'],
  ['ai.embedMany.doEmbed', 'embedding'],
  ['ai.embed.doEmbed', 'embedding'],
  ['ai.toolCall', 'tool'],
]

const modelNames = ['gen_ai.request.model', 'gen_ai.response.model', 'llm.model_name', 'model']

/**
 * The type that Langfuse's server gives an observation.
 * @see https://github.com/langfuse/langfuse/blob/main/packages/shared/src/server/otel/ObservationTypeMapper.ts
 */
export function readType({ attributes }: OtlpSpan): string {
  const sent = firstString(attributes, [attributeName.observationType])
  if (sent !== undefined) return sent.toLowerCase()
  return (
    openInferenceTypes[String(attributes['openinference.span.kind'])] ??
    genAiTypes[String(attributes['gen_ai.operation.name'])] ??
    aiSdkType(attributes) ??
    (firstString(attributes, ['gen_ai.tool.name', 'gen_ai.tool.call.id']) === undefined
      ? undefined
      : 'tool') ??
    (firstString(attributes, [attributeName.observationModel, ...modelNames]) === undefined
      ? 'span'
      : 'generation')
  )
}

function aiSdkType(attributes: Attributes): string | undefined {
  const operation = firstString(attributes, ['ai.operationId', 'operation.name'])
  return operation?.startsWith('ai.')
    ? aiSdkTypes.find(([prefix]) => operation.startsWith(prefix))?.[1]
    : undefined
}

/** The name that Langfuse's server gives an observation. */
export function readName({ name, attributes }: OtlpSpan): string {
  const told = firstString(attributes, ['gen_ai.tool.name', 'logfire.msg', 'ai.toolCall.name'])
  if (told !== undefined) return told
  const operation = firstString(attributes, ['ai.operationId'])
  if (operation === undefined) return name
  const id = firstString(attributes, ['ai.telemetry.functionId'])
  return id === undefined ? operation : `${id}:${operation}`
}
