import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import type { CallType, Description } from './matching.ts'

/** An observation of another instrumentation that describes an LLM call. */
export interface SpanDescription extends Description {
  readonly span: ReadableSpan
}

const TYPES: Readonly<Record<string, CallType>> = {
  generation: 'generation',
  embedding: 'embedding',
  retriever: 'retriever',
  // OpenInference
  LLM: 'generation',
  EMBEDDING: 'embedding',
  RERANKER: 'retriever',
  // OpenTelemetry's GenAI conventions, and OpenLLMetry's `llm.request.type`
  chat: 'generation',
  text_completion: 'generation',
  completion: 'generation',
  generate_content: 'generation',
  embeddings: 'embedding',
  rerank: 'retriever',
}
const MODELS = [
  'gen_ai.response.model',
  'gen_ai.request.model',
  'llm.model_name',
  'embedding.model_name',
  'ai.model.id',
  'ai.response.model',
]
const INPUTS = [
  'input.value',
  'gen_ai.input.messages',
  'ai.prompt.messages',
  'ai.prompt',
  'ai.values',
  'ai.value',
  'traceloop.entity.input',
]
const OUTPUTS = [
  'output.value',
  'gen_ai.output.messages',
  'ai.response.text',
  'ai.response.object',
  'traceloop.entity.output',
]

/** Creates a reader of other observations; it gives undefined for one that describes no call. */
export function createDescriptionReader({
  core,
  langfuse,
}: Otel): (span: ReadableSpan) => SpanDescription | undefined {
  const attribute = langfuse.LangfuseOtelSpanAttributes

  return span => {
    const { attributes } = span
    const type = typeOf(attributes, attribute.OBSERVATION_TYPE)
    if (type === undefined) return undefined
    const startedAt = core.hrTimeToMilliseconds(span.startTime)
    const { spanId } = span.spanContext()
    return {
      span,
      type,
      spanId,
      parentId: span.parentSpanContext?.spanId,
      startedAt,
      endedAt: span.ended ? core.hrTimeToMilliseconds(span.endTime) : Number.POSITIVE_INFINITY,
      models: textsOf(attributes, [attribute.OBSERVATION_MODEL, ...MODELS]),
      usage: usageOf(attributes, attribute.OBSERVATION_USAGE_DETAILS),
      input: joined(
        attributes,
        [attribute.OBSERVATION_INPUT, ...INPUTS],
        /^(?:gen_ai\.prompt|llm\.input_messages)\./,
      ),
      output: joined(
        attributes,
        [attribute.OBSERVATION_OUTPUT, ...OUTPUTS],
        /^(?:gen_ai\.completion|llm\.output_messages)\./,
      ),
      mentions: text =>
        Object.values(attributes).some(value => typeof value === 'string' && value.includes(text)),
    }
  }
}

function typeOf(attributes: Attributes, key: string): CallType | undefined {
  const type = attributes[key] ?? attributes['openinference.span.kind'] ?? attributes['gen_ai.operation.name']
  if (type !== undefined) return TYPES[String(type)]
  const operation = String(attributes['ai.operationId'] ?? '')
  // The AI SDK's outer operations, such as `ai.generateText`, go over several calls.
  if (operation !== '') {
    if (/\.do(?:Generate|Stream)$/.test(operation)) return 'generation'
    return /\.doEmbed$/.test(operation) ? 'embedding' : undefined
  }
  const request = attributes['llm.request.type']
  if (request !== undefined) return TYPES[String(request)]
  return attributes['gen_ai.request.model'] === undefined ? undefined : 'generation'
}

function textsOf(attributes: Attributes, names: readonly string[]): string[] {
  return names
    .map(name => attributes[name])
    .filter(value => typeof value === 'string' && value !== '') as string[]
}

function joined(attributes: Attributes, names: readonly string[], prefix: RegExp): string | undefined {
  const texts = textsOf(attributes, names)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string' && prefix.test(name)) texts.push(value)
  }
  return texts.length === 0 ? undefined : texts.join('\n')
}

function usageOf(attributes: Attributes, key: string): Description['usage'] {
  const json = attributes[key]
  if (typeof json === 'string') return sums(json)
  const input = numberOf(attributes, [
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'llm.token_count.prompt',
    'ai.usage.promptTokens',
  ])
  const output = numberOf(attributes, [
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
    'ai.usage.completionTokens',
  ])
  return input === undefined && output === undefined ? undefined : { input: input ?? 0, output: output ?? 0 }
}

function numberOf(attributes: Attributes, names: readonly string[]): number | undefined {
  return names.map(name => attributes[name]).find(value => typeof value === 'number') as number | undefined
}

/** Sums of the buckets of input and output, by the beginning of their names. */
export function sums(json: string): Description['usage'] {
  try {
    let input = 0
    let output = 0
    let counted = false
    for (const [name, value] of Object.entries(JSON.parse(json) as Record<string, unknown>)) {
      if (typeof value !== 'number') continue
      const isInput = /^(?:input|prompt)/i.test(name)
      if (!isInput && !/^(?:output|completion)/i.test(name)) continue
      counted = true
      if (isInput) input += value
      else output += value
    }
    return counted ? { input, output } : undefined
  } catch {
    return undefined
  }
}
