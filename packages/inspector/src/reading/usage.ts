/** Tokens by kind, or dollars by kind, as the sender named them: `input`, `output`, `total`, `input_cached_tokens` … */
export type Details = Record<string, number>

const NONE: Details = Object.freeze({})

/** Tokens of one observation, or of a trace. */
export interface Tokens {
  input: number
  output: number
  total: number
}

/** Keeps the finite numbers of a usage or cost object; anything else counts as nothing. */
export function parseDetails(value: unknown): Details {
  if (typeof value !== 'object' || value === null) return NONE
  const numbers = Object.entries(value).filter(([, amount]) => Number.isFinite(amount))
  return numbers.length === 0 ? NONE : (Object.fromEntries(numbers) as Details)
}

/** Adds tokens up the way Langfuse does: every kind that names `input` or `output`, or OpenAI's own names. */
export function countTokens(usage: Details): Tokens {
  const input = usage.prompt_tokens ?? sum(usage, kind => kind.includes('input'))
  const output = usage.completion_tokens ?? sum(usage, kind => kind.includes('output'))
  const total = usage.total ?? usage.total_tokens ?? sum(usage, () => true)
  return { input, output, total }
}

/** Dollars in all: `total` where the sender gave one, else the sum of the kinds. */
export function totalCost(cost: Details): number {
  return cost.total ?? sum(cost, () => true)
}

function sum(details: Details, wanted: (kind: string) => boolean): number {
  if (details === NONE) return 0
  return Object.entries(details).reduce((all, [kind, amount]) => (wanted(kind) ? all + amount : all), 0)
}
