// Writes src/reading/prices.json from @pydantic/genai-prices: run it after updating that package.
import { writeFileSync } from 'node:fs'
import { findProvider } from '@pydantic/genai-prices'

/** Providers with the prefixes that gateways and clouds put before their models' names. */
const providers = {
  openai: 'openai/|azure/',
  anthropic: 'anthropic/|([a-z-]+\\.)?anthropic\\.',
  google: 'google/|gemini/|models/|vertex_ai/',
  mistral: 'mistral/|mistralai/',
  deepseek: 'deepseek/',
  'x-ai': 'xai/|x-ai/',
  cohere: 'cohere/',
  perplexity: 'perplexity/',
  moonshotai: 'moonshotai/',
}

/** Langfuse's kinds of usage by the names of genai-prices, in dollars per million tokens there. */
const kinds = {
  input_mtok: ['input'],
  cache_read_mtok: ['input_cached_tokens', 'input_cache_read'],
  cache_write_mtok: ['input_cache_creation', 'input_cache_creation_5m'],
  cache_write_1h_mtok: ['input_cache_creation_1h'],
  input_audio_mtok: ['input_audio_tokens'],
  output_mtok: ['output', 'output_reasoning_tokens'],
  output_audio_mtok: ['output_audio_tokens'],
}

const models = Object.entries(providers).flatMap(([providerId, prefixes]) =>
  findProvider({ providerId }).models.flatMap(({ id, match, prices }) => {
    const current = priced(prices)
    return current.input === undefined || id.includes('/')
      ? []
      : [{ modelName: id, matchPattern: `(?i)^(${prefixes})?(${pattern(match)})$`, prices: current }]
  }),
)
const seen = new Set()
const sorted = models
  // The most specific name is found first.
  .toSorted((a, b) => b.modelName.length - a.modelName.length || (a.modelName < b.modelName ? -1 : 1))
  .filter(({ modelName }) => !seen.has(modelName) && seen.add(modelName))
const table = { date: new Date().toISOString().slice(0, 10), models: sorted }
writeFileSync(new URL('../src/reading/prices.json', import.meta.url), `${JSON.stringify(table)}\n`)

function priced(prices) {
  const today = new Date().toISOString()
  const current = Array.isArray(prices)
    ? prices.findLast(
        ({ constraint }) =>
          !constraint || (constraint.type === 'start_date' && constraint.start_date <= today),
      )?.prices
    : prices
  return Object.fromEntries(
    Object.entries(kinds).flatMap(([name, names]) => {
      const price = current?.[name]
      // Prices of long prompts are left out: Langfuse has them as tiers.
      const base = typeof price === 'object' ? price.base : price
      return base === undefined ? [] : names.map(kind => [kind, Number((base / 1e6).toPrecision(6))])
    }),
  )
}

function pattern(match) {
  if (match.or) return match.or.map(pattern).join('|')
  if (match.and) return pattern(match.and[0])
  if (match.equals) return `${escaped(match.equals)}([-@]\\d{4}-?\\d{2}-?\\d{2})?`
  if (match.starts_with) return `${escaped(match.starts_with)}([-@:.].*)?`
  if (match.regex) return match.regex.replace(/^\^|\$$/g, '')
  return `.*${escaped(match.contains ?? match.ends_with)}.*`
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
