import type { Attributes } from '@opentelemetry/api'
import { serialise } from '../export/observation-attributes.ts'
import { copySpan } from './copy-span.ts'
import { answersOf } from './gen-ai-attributes.ts'
import { type Message, promptOf } from './messages.ts'
import { fields, type MirroredObservation, readObservation, text } from './observation.ts'
import { conventionalSpan, type MirrorDialect, ownAttributes } from './otel.ts'

const SPAN_KINDS: Readonly<Record<string, string>> = {
  generation: 'LLM',
  embedding: 'EMBEDDING',
  retriever: 'RETRIEVER',
  tool: 'TOOL',
  agent: 'AGENT',
  guardrail: 'GUARDRAIL',
  evaluator: 'EVALUATOR',
}
const MAX_ITEMS = 100

/**
 * OpenInference, which Phoenix and Arize read.
 *
 * @see https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
 */
export const openinference: MirrorDialect = (span, { contents }) => {
  const observation = readObservation(span)
  return copySpan(span, {
    ...conventionalSpan(observation),
    attributes: { ...namesOf(observation, contents), ...ownAttributes(observation) },
  })
}

function namesOf(observation: MirroredObservation, contents: boolean): Attributes {
  const { span, type, metadata, requestModel, model, parameters } = observation
  if (type === undefined) return {}
  const isReranker = type === 'retriever' && metadata('operation') === 'rerank'
  const attributes: Attributes = {
    'openinference.span.kind': isReranker ? 'RERANKER' : (SPAN_KINDS[type] ?? 'CHAIN'),
  }
  const answering = model ?? requestModel
  if (type === 'tool') attributes['tool.name'] = span.name
  if (type === 'agent') attributes['agent.name'] = span.name
  if (type === 'embedding' && answering !== undefined) attributes['embedding.model_name'] = answering
  if (isReranker && answering !== undefined) attributes['reranker.model_name'] = answering
  if (type === 'generation') {
    if (answering !== undefined) attributes['llm.model_name'] = answering
    const provider = metadata('provider')
    if (provider !== undefined) attributes['llm.provider'] = provider
    if (Object.keys(parameters).length > 0) {
      attributes['llm.invocation_parameters'] = JSON.stringify(parameters)
    }
  }
  writeTokens(attributes, observation)
  if (contents) writeContents(attributes, observation, isReranker)
  return attributes
}

function writeTokens(attributes: Attributes, { tokens }: MirroredObservation): void {
  if (tokens === undefined) return
  const count = 'llm.token_count'
  attributes[`${count}.prompt`] = tokens.input
  attributes[`${count}.completion`] = tokens.output
  attributes[`${count}.total`] = tokens.input + tokens.output
  if (tokens.cacheRead > 0) attributes[`${count}.prompt_details.cache_read`] = tokens.cacheRead
  if (tokens.cacheCreation > 0) attributes[`${count}.prompt_details.cache_write`] = tokens.cacheCreation
  if (tokens.reasoning > 0) attributes[`${count}.completion_details.reasoning`] = tokens.reasoning
}

function writeContents(attributes: Attributes, observation: MirroredObservation, isReranker: boolean): void {
  const { type, input, output } = observation
  writeValue(attributes, 'input', input)
  writeValue(attributes, 'output', output)
  if (type === 'generation') {
    const { instructions, messages } = promptOf(input)
    const asked = instructions.length > 0 ? [{ role: 'system', parts: instructions }, ...messages] : messages
    writeMessages(attributes, 'llm.input_messages', asked)
    writeMessages(attributes, 'llm.output_messages', answersOf(observation))
  }
  if (type === 'embedding') {
    const texts = Array.isArray(input) ? input : [input]
    for (const [index, item] of texts.slice(0, MAX_ITEMS).entries()) {
      if (typeof item === 'string') attributes[`embedding.embeddings.${index}.embedding.text`] = item
    }
  }
  if (type === 'retriever') {
    writeDocuments(attributes, isReranker ? 'reranker.output_documents' : 'retrieval.documents', output)
  }
}

function writeValue(attributes: Attributes, side: 'input' | 'output', value: unknown): void {
  const written = serialise(value)
  if (written === undefined) return
  attributes[`${side}.value`] = written
  attributes[`${side}.mime_type`] = typeof value === 'string' ? 'text/plain' : 'application/json'
}

function writeMessages(attributes: Attributes, prefix: string, messages: readonly Message[]): void {
  for (const [index, { role, parts }] of messages.slice(-MAX_ITEMS).entries()) {
    const message = `${prefix}.${index}.message`
    attributes[`${message}.role`] = role
    const texts: string[] = []
    let calls = 0
    for (const part of parts) {
      if (part.type === 'text') texts.push(part.content)
      if (part.type === 'tool_call') {
        const call = `${message}.tool_calls.${calls++}.tool_call`
        if (part.id !== null) attributes[`${call}.id`] = part.id
        attributes[`${call}.function.name`] = part.name
        attributes[`${call}.function.arguments`] = serialise(part.arguments) ?? '{}'
      }
      if (part.type === 'tool_call_response') {
        if (part.id !== null) attributes[`${message}.tool_call_id`] = part.id
        texts.push(serialise(part.response) ?? '')
      }
    }
    if (texts.length > 0) attributes[`${message}.content`] = texts.join('\n')
  }
}

function writeDocuments(attributes: Attributes, prefix: string, output: unknown): void {
  const list = Array.isArray(output) ? output : (fields(output).documents ?? fields(output).results)
  if (!Array.isArray(list)) return
  for (const [index, item] of list.slice(0, MAX_ITEMS).entries()) {
    const document = `${prefix}.${index}.document`
    const { pageContent, content, text: plain, document: inner, id, score, relevance_score } = fields(item)
    const found = typeof item === 'string' ? item : (pageContent ?? content ?? plain ?? inner ?? item)
    attributes[`${document}.content`] = serialise(fields(found).text ?? found) ?? ''
    const known = text(id)
    if (known !== undefined) attributes[`${document}.id`] = known
    const relevance = score ?? relevance_score
    if (typeof relevance === 'number') attributes[`${document}.score`] = relevance
  }
}
