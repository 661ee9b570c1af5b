import type { Attributes, AttributeValue } from '@opentelemetry/api'
import { serialise } from '../export/observation-attributes.ts'
import { type Message, messagesOf, promptOf } from './messages.ts'
import { integer, type MirroredObservation } from './observation.ts'

/** Names of parameters in the APIs, by their names in the conventions. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  temperature: ['temperature'],
  top_p: ['top_p', 'topP'],
  top_k: ['top_k', 'topK'],
  max_tokens: [
    'max_tokens',
    'max_completion_tokens',
    'max_output_tokens',
    'maxTokens',
    'maxOutputTokens',
    'num_predict',
  ],
  frequency_penalty: ['frequency_penalty', 'frequencyPenalty'],
  presence_penalty: ['presence_penalty', 'presencePenalty'],
  seed: ['seed', 'random_seed'],
  'choice.count': ['n', 'candidateCount'],
}

const OPERATIONS: Readonly<Record<string, string>> = {
  generation: 'chat',
  embedding: 'embeddings',
  retriever: 'retrieval',
  tool: 'execute_tool',
  agent: 'invoke_agent',
}

/** `gen_ai.operation.name`; undefined for an observation that the conventions do not know. */
export function operationOf({ type, metadata }: MirroredObservation): string | undefined {
  if (type === undefined || !Object.hasOwn(OPERATIONS, type)) return undefined
  const isOnTheWire = type === 'generation' || type === 'embedding' || type === 'retriever'
  return (isOnTheWire ? metadata('operation') : undefined) ?? OPERATIONS[type]
}

/**
 * Attributes of OpenTelemetry's GenAI conventions, none for an observation that they do not know.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/
 */
export function genAiAttributes(observation: MirroredObservation, contents: boolean): Attributes {
  const operation = operationOf(observation)
  if (operation === undefined) return {}
  const { type, span, input, output, sessionId } = observation
  const attributes: Attributes = { 'gen_ai.operation.name': operation }
  set(attributes, 'gen_ai.conversation.id', sessionId)
  if (type === 'agent') set(attributes, 'gen_ai.agent.name', span.name)
  if (type === 'tool') {
    set(attributes, 'gen_ai.tool.name', span.name)
    if (contents) set(attributes, 'gen_ai.tool.call.arguments', serialise(input))
    if (contents) set(attributes, 'gen_ai.tool.call.result', serialise(output))
  }
  if (observation.isModelCall || type === 'retriever') writeCall(attributes, observation)
  if (observation.isModelCall) writeTokens(attributes, observation)
  if (contents && type === 'generation') writeMessages(attributes, observation)
  return attributes
}

function writeCall(attributes: Attributes, { metadata, ...observation }: MirroredObservation): void {
  set(attributes, 'gen_ai.provider.name', metadata('provider'))
  set(attributes, 'gen_ai.request.model', observation.requestModel)
  set(attributes, 'gen_ai.response.model', observation.model)
  set(attributes, 'gen_ai.response.id', metadata('responseId'))
  const finishReason = metadata('finishReason')
  if (finishReason !== undefined) attributes['gen_ai.response.finish_reasons'] = [finishReason]
  if (metadata('streamed') === 'true') attributes['gen_ai.request.stream'] = true
  set(attributes, 'gen_ai.embeddings.dimension.count', integer(metadata('dimensions')))
  set(attributes, 'server.address', metadata('serverAddress'))
  set(attributes, 'server.port', integer(metadata('serverPort')))
  const { parameters } = observation
  for (const [name, known] of Object.entries(NUMBERS)) {
    const value = known.map(one => parameters[one]).find(one => typeof one === 'number')
    set(attributes, `gen_ai.request.${name}`, value as number | undefined)
  }
}

/** Not on agents: backends add up the usage of all spans. */
function writeTokens(attributes: Attributes, { tokens }: MirroredObservation): void {
  if (tokens === undefined) return
  attributes['gen_ai.usage.input_tokens'] = tokens.input
  attributes['gen_ai.usage.output_tokens'] = tokens.output
  if (tokens.cacheRead > 0) attributes['gen_ai.usage.cache_read.input_tokens'] = tokens.cacheRead
  if (tokens.cacheCreation > 0) attributes['gen_ai.usage.cache_creation.input_tokens'] = tokens.cacheCreation
  if (tokens.reasoning > 0) attributes['gen_ai.usage.reasoning.output_tokens'] = tokens.reasoning
}

function writeMessages(attributes: Attributes, observation: MirroredObservation): void {
  const { instructions, messages } = promptOf(observation.input)
  if (instructions.length > 0) attributes['gen_ai.system_instructions'] = JSON.stringify(instructions)
  if (messages.length > 0) attributes['gen_ai.input.messages'] = JSON.stringify(messages)
  const answers = answersOf(observation)
  if (answers.length > 0) {
    const finish_reason = observation.metadata('finishReason') ?? ''
    attributes['gen_ai.output.messages'] = JSON.stringify(
      answers.map(answer => ({ ...answer, finish_reason })),
    )
  }
}

/** The messages of an answer, with what the model thought first. */
export function answersOf({ output, metadata }: MirroredObservation): Message[] {
  const answers = messagesOf(output, 'assistant')
  const reasoning = metadata('reasoning')
  if (reasoning === undefined) return answers
  const [first = { role: 'assistant', parts: [] }, ...others] = answers
  return [{ ...first, parts: [{ type: 'reasoning', content: reasoning }, ...first.parts] }, ...others]
}

function set(attributes: Attributes, name: string, value: AttributeValue | undefined): void {
  if (value !== undefined) attributes[name] = value
}
