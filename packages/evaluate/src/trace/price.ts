import { calcPrice } from '@pydantic/genai-prices'

/** The price of a call in US dollars by the bundled table of `@pydantic/genai-prices`; undefined for an unknown model. */
export function priceOf(
  model: string | undefined,
  usage: Readonly<Record<string, number>>,
): number | undefined {
  if (model === undefined || Object.keys(usage).length === 0) return undefined
  const sum = (prefix: string) =>
    Object.entries(usage).reduce((total, [kind, count]) => total + (kind.startsWith(prefix) ? count : 0), 0)
  try {
    return calcPrice(
      {
        input_tokens: sum('input'),
        output_tokens: sum('output'),
        cache_read_tokens: usage.input_cached_tokens ?? 0,
        cache_write_tokens: sum('input_cache_creation'),
      },
      model,
    )?.total_price
  } catch {
    return undefined
  }
}
