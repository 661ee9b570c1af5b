import type { Attributes, OtlpSpan } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { firstValue } from './attribute-reading.ts'
import { type Details, parseDetails } from './usage.ts'

const genAiPrefix = 'gen_ai.usage.'
const openInferencePrefix = 'llm.token_count.'

const kinds: Record<string, string> = {
  prompt_tokens: 'input',
  input_tokens: 'input',
  prompt: 'input',
  completion_tokens: 'output',
  output_tokens: 'output',
  completion: 'output',
  total_tokens: 'total',
}

// Conventions count these within input or output; Langfuse's kinds are disjoint.
const within: readonly (readonly [pattern: RegExp, kind: string, whole: 'input' | 'output'])[] = [
  [/cache_(?:read|hit)|cached/, 'input_cached_tokens', 'input'],
  [/cache_(?:write|creation)/, 'input_cache_creation', 'input'],
  [/reasoning/, 'output_reasoning_tokens', 'output'],
]

/**
 * Tokens by kind, as Langfuse's server reads them. An agent has none of its own: its calls have them, and counting both
 * would double them.
 */
export function readUsage(span: OtlpSpan): Details {
  const { attributes, scope } = span
  const sent = firstValue(attributes, [attributeName.observationUsageDetails])
  if (sent !== undefined) return parseDetails(sent)
  if (attributes['gen_ai.operation.name'] === 'invoke_agent') return parseDetails(undefined)
  return scope === 'ai' ? aiSdkUsage(attributes) : conventionalUsage(attributes)
}

function conventionalUsage(attributes: Attributes): Details {
  const usage: Record<string, number> = {}
  for (const key in attributes) {
    const prefix = key.startsWith(genAiPrefix)
      ? genAiPrefix
      : key.startsWith(openInferencePrefix)
        ? openInferencePrefix
        : undefined
    if (prefix === undefined || key === 'gen_ai.usage.cost') continue
    const amount = Number(attributes[key])
    if (!Number.isFinite(amount)) continue
    const name = key.slice(prefix.length)
    usage[within.find(([pattern]) => pattern.test(name))?.[1] ?? kinds[name] ?? name] = amount
  }
  return disjoint(usage)
}

function aiSdkUsage(attributes: Attributes): Details {
  const usage: Record<string, number> = {}
  const take = (kind: string, ...names: string[]): void => {
    const amount = names.map(name => Number(attributes[name] ?? Number.NaN)).find(Number.isFinite)
    if (amount !== undefined) usage[kind] = amount
  }
  take('input', 'gen_ai.usage.prompt_tokens', 'gen_ai.usage.input_tokens')
  take('output', 'gen_ai.usage.completion_tokens', 'gen_ai.usage.output_tokens')
  take('total', 'ai.usage.tokens')
  // The outer operation repeats what its steps used.
  if (usage.input === undefined && usage.output === undefined) return parseDetails(usage)
  take('input_cached_tokens', 'ai.usage.cachedInputTokens')
  take('output_reasoning_tokens', 'ai.usage.reasoningTokens')
  return disjoint(usage)
}

function disjoint(usage: Record<string, number>): Details {
  for (const [, kind, whole] of within) {
    const part = usage[kind]
    if (part !== undefined && usage[whole] !== undefined) usage[whole] = Math.max(0, usage[whole] - part)
  }
  return parseDetails(usage)
}
