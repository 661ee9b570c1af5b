import type { Attributes, AttributeValue, OtlpSpan, SpanEvent } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { firstValue } from './attribute-reading.ts'

/** An observation's input and output. */
export interface Payloads {
  input: unknown
  output: unknown
}

// Each pair is used if one of both is there, in this order.
const pairs: readonly (readonly [input: readonly string[], output: readonly string[]])[] = [
  [
    ['gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args'],
    ['gcp.vertex.agent.llm_response', 'gcp.vertex.agent.tool_response'],
  ],
  [['prompt'], ['all_messages_events']],
  [
    ['lk.input_text', 'lk.user_transcript', 'lk.chat_ctx'],
    ['lk.function_tool.output', 'lk.response.text'],
  ],
  [['mlflow.spanInputs'], ['mlflow.spanOutputs']],
  [['traceloop.entity.input'], ['traceloop.entity.output']],
  [['input.value'], ['output.value']],
  [['input'], ['output']],
  [['pydantic_ai.all_messages'], ['final_result']],
  [['tool_arguments'], ['tool_response']],
  [['gen_ai.prompt'], ['gen_ai.completion']],
  [['gen_ai.input.messages'], ['gen_ai.output.messages']],
  [['gen_ai.tool.call.arguments'], ['gen_ai.tool.call.result']],
]

const aiSdkInput = ['ai.prompt.messages', 'ai.prompt', 'ai.toolCall.args', 'ai.value', 'ai.values']
const aiSdkOutput = [
  'ai.response.text',
  'ai.result.text',
  'ai.toolCall.result',
  'ai.response.object',
  'ai.result.object',
  'ai.response.toolCalls',
  'ai.result.toolCalls',
]

/**
 * Reads input and output where Langfuse's server looks for them: its own attributes, the AI SDK's, events, and those of
 * other instrumentations.
 * @see https://github.com/langfuse/langfuse/blob/main/packages/shared/src/server/otel/OtelIngestionProcessor.ts
 */
export function readPayloads(span: OtlpSpan): Payloads {
  const { attributes, scope, events } = span
  const own = readPair(attributes, [attributeName.observationInput], [attributeName.observationOutput])
  if (own) return own
  if (scope === 'ai') return readAiSdk(attributes)
  return (
    readEvents(events) ??
    pairs.reduce<Payloads | undefined>(
      (found, [input, output]) => found ?? readPair(attributes, input, output),
      undefined,
    ) ??
    readNested(attributes, 'gen_ai.prompt', 'gen_ai.completion') ??
    readNested(attributes, 'llm.input_messages', 'llm.output_messages') ?? {
      input: undefined,
      output: undefined,
    }
  )
}

function readPair(
  attributes: Attributes,
  input: readonly string[],
  output: readonly string[],
): Payloads | undefined {
  const pair = { input: firstValue(attributes, input), output: firstValue(attributes, output) }
  return pair.input === undefined && pair.output === undefined ? undefined : pair
}

function readAiSdk(attributes: Attributes): Payloads {
  const text = attributes['ai.response.text']
  const calls = firstValue(attributes, ['ai.response.toolCalls'])
  return {
    input: firstValue(attributes, aiSdkInput),
    output:
      text !== undefined && calls !== undefined
        ? { role: 'assistant', content: text, tool_calls: calls }
        : firstValue(attributes, aiSdkOutput),
  }
}

/** Messages that are recorded as events, after an older convention. */
function readEvents(events: SpanEvent[]): Payloads | undefined {
  const input = events.flatMap(({ name, attributes }) => {
    const role = /^gen_ai\.(system|user|assistant|tool)\.message$/.exec(name)?.[1]
    return role === undefined ? [] : { role, ...attributes }
  })
  const choices = events.flatMap(({ name, attributes }) => (name === 'gen_ai.choice' ? attributes : []))
  if (input.length === 0 && choices.length === 0) return undefined
  return {
    input: input.length > 0 ? input : undefined,
    output: choices.length > 1 ? choices : choices[0],
  }
}

function readNested(attributes: Attributes, input: string, output: string): Payloads | undefined {
  const pair = { input: nest(attributes, input), output: nest(attributes, output) }
  return pair.input === undefined && pair.output === undefined ? undefined : pair
}

const maxSegments = 12

/** Puts together what was flattened: `llm.input_messages.0.message.role` … */
function nest(attributes: Attributes, prefix: string): unknown {
  const keys = Object.keys(attributes).filter(key => key.startsWith(`${prefix}.`))
  if (keys.length === 0) return undefined
  const tree = new Map<string, unknown>()
  for (const key of keys) {
    const path = key.slice(prefix.length + 1).split('.')
    if (path.length > maxSegments) continue
    let node = tree
    for (const segment of path.slice(0, -1)) {
      const next = node.get(segment)
      const child = next instanceof Map ? (next as Map<string, unknown>) : new Map<string, unknown>()
      node.set(segment, child)
      node = child
    }
    node.set(path.at(-1)!, attributes[key])
  }
  return plain(tree)
}

function plain(node: unknown): unknown {
  if (!(node instanceof Map)) return node as AttributeValue
  const entries = [...(node as Map<string, unknown>)].map(([key, value]) => [key, plain(value)] as const)
  const isList = entries.every(([key]) => /^\d{1,6}$/.test(key))
  return isList
    ? entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, value]) => value)
    : Object.fromEntries(entries)
}
