import { type JsonObject, members } from '../wire/json.ts'

/**
 * Token counts in disjoint buckets, by the keys that Langfuse prices: `input`, `output`, `input_cached_tokens`, `input_cache_creation`
 * (`_5m`, `_1h`), `output_reasoning_tokens`, `input_audio_tokens`, `output_audio_tokens` and `total`, their sum. Models for audio have
 * `input_text_tokens` and `output_text_tokens` in place of `input` and `output`.
 */
export type Usage = Readonly<Record<string, number>>

/** Turns the counters of an API into buckets; `model` is the one that answered, if known. */
export type UsageReader = (counters: JsonObject, model: string) => Record<string, number | undefined>

/** The buckets with their total; undefined if the server reported none. */
export function bucketsOf(read: UsageReader, counters: JsonObject, model: string): Usage | undefined {
  const usage: Record<string, number> = {}
  let total = 0
  for (const [name, count] of Object.entries(read(counters, model))) {
    if (count === undefined || (count <= 0 && name !== 'input' && name !== 'output')) continue
    usage[name] = Math.max(count, 0)
    total += usage[name]
  }
  // Zeros are what servers send that do not count.
  if (total === 0) return undefined
  usage.total = total
  return usage
}

/** OpenAI's chat, completions, responses, embeddings, images and transcriptions, and what is compatible with them. */
export const openaiUsage: UsageReader = (counters, model) => {
  const input = count(counters.prompt_tokens ?? counters.input_tokens)
  const output = count(counters.completion_tokens ?? counters.output_tokens)
  const inputDetails = members(
    counters.prompt_tokens_details ?? counters.input_tokens_details ?? counters.input_token_details,
  )
  const outputDetails = members(
    counters.completion_tokens_details ?? counters.output_tokens_details ?? counters.output_token_details,
  )
  const cached =
    count(inputDetails.cached_tokens ?? counters.prompt_cache_hit_tokens ?? counters.cached_tokens) ?? 0
  const written = count(inputDetails.cache_write_tokens) ?? 0
  const heard = count(inputDetails.audio_tokens) ?? 0
  const spoken = count(outputDetails.audio_tokens) ?? 0
  const reasoning = count(outputDetails.reasoning_tokens ?? counters.reasoning_tokens) ?? 0
  const completion = output ?? 0
  // xAI counts reasoning beside the completion, all others within.
  const isBeside =
    reasoning > completion || count(counters.total_tokens) === (input ?? 0) + completion + reasoning
  // Langfuse has no price for Claude's reasoning: in a bucket of its own it would be free.
  const isPriced = !/claude/i.test(model)
  const all = output === undefined ? undefined : completion + (isBeside ? reasoning : 0)
  const isAudio = /audio|realtime/i.test(model)
  return {
    [isAudio ? 'input_text_tokens' : 'input']: less(input, cached + written + heard),
    input_cached_tokens: cached,
    input_cache_creation: written,
    input_audio_tokens: heard,
    [isAudio ? 'output_text_tokens' : 'output']: less(all, spoken + (isPriced ? reasoning : 0)),
    output_reasoning_tokens: isPriced ? reasoning : 0,
    output_audio_tokens: spoken,
  }
}

/** Anthropic's messages: `input_tokens` excludes what was read from or written to the cache. */
export const anthropicUsage: UsageReader = counters => {
  const { ephemeral_5m_input_tokens: minutes, ephemeral_1h_input_tokens: hour } = members(
    counters.cache_creation,
  )
  return {
    input: count(counters.input_tokens),
    input_cached_tokens: count(counters.cache_read_input_tokens),
    ...cacheCreation(count(counters.cache_creation_input_tokens), count(minutes) ?? 0, count(hour) ?? 0),
    output: count(counters.output_tokens),
  }
}

/** Gemini: `candidatesTokenCount` excludes thoughts, `promptTokenCount` includes what was cached. */
export const geminiUsage: UsageReader = counters => {
  const cached = count(counters.cachedContentTokenCount) ?? 0
  const prompt = count(counters.promptTokenCount)
  const tools = count(counters.toolUsePromptTokenCount) ?? 0
  return {
    input: prompt === undefined ? undefined : Math.max(prompt - cached, 0) + tools,
    input_cached_tokens: cached,
    output: count(counters.candidatesTokenCount),
    output_reasoning_tokens: count(counters.thoughtsTokenCount),
  }
}

/** Bedrock's converse: `inputTokens` excludes the cache. */
export const converseUsage: UsageReader = counters => {
  const details = Array.isArray(counters.cacheDetails) ? counters.cacheDetails.map(members) : []
  const withTtl = (ttl: string) => count(details.find(detail => detail.ttl === ttl)?.inputTokens) ?? 0
  return {
    input: count(counters.inputTokens),
    input_cached_tokens: count(counters.cacheReadInputTokens),
    ...cacheCreation(count(counters.cacheWriteInputTokens), withTtl('5m'), withTtl('1h')),
    output: count(counters.outputTokens),
  }
}

/** A count of tokens: an integer of at least 0. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : undefined
}

function cacheCreation(
  all: number | undefined,
  fiveMinutes: number,
  oneHour: number,
): Record<string, number> {
  return {
    input_cache_creation: Math.max((all ?? 0) - fiveMinutes - oneHour, 0),
    input_cache_creation_5m: fiveMinutes,
    input_cache_creation_1h: oneHour,
  }
}

function less(all: number | undefined, part: number): number | undefined {
  return all === undefined ? undefined : Math.max(all - part, 0)
}
