import { createHash } from 'node:crypto'
import { InspectorError } from '../basics/inspector-error.ts'
import type { PriceOf } from './price-of.ts'
import builtIn from './prices.json' with { type: 'json' }

/** Prices of models, with the names that Langfuse gives them. */
export interface PriceTable {
  /** Day on which the prices were read, such as `2026-11-28`. */
  date?: string
  models: {
    modelName: string
    /** Regular expression for the names under which the model is called; `(?i)` in front ignores case. */
    matchPattern: string
    /** US dollars per unit, by kind of usage. */
    prices: Record<string, number>
  }[]
}

const maxRemembered = 1_000

/** The prices that this version came with. */
export const builtInPrices: PriceTable = builtIn as unknown as PriceTable

/** Creates the function that computes costs as Langfuse does: units times price, and a kind without a price is free. */
export function createPricing({ models }: PriceTable): PriceOf {
  const compiled = models.map(({ matchPattern, prices }) => ({ pattern: compile(matchPattern), prices }))
  const known = new Map<string, Record<string, number> | undefined>()

  const find = (model: string): Record<string, number> | undefined => {
    if (known.has(model)) return known.get(model)
    const prices =
      model.length > 200 ? undefined : compiled.find(({ pattern }) => pattern.test(model))?.prices
    if (known.size >= maxRemembered) known.clear()
    known.set(model, prices)
    return prices
  }

  return (model, usage) => {
    const prices = find(model)
    if (!prices) return undefined
    const costs: Record<string, number> = {}
    for (const kind in usage) {
      const price = prices[kind]
      if (price !== undefined && usage[kind]! > 0) costs[kind] = usage[kind]! * price
    }
    return Object.keys(costs).length > 0 ? costs : undefined
  }
}

/**
 * Reads a price table: one of ours, or the answer of Langfuse's `GET /api/public/models`.
 * @throws InspectorError `LANGFUSE_MIDDLEWARE_INVALID_OPTION` if it is neither.
 */
export function parsePriceTable(text: string, path: string): PriceTable {
  try {
    const table = JSON.parse(text) as { date?: unknown; models?: unknown; data?: unknown }
    const list = table.models ?? table.data
    if (!Array.isArray(list)) throw new TypeError('it has no list named models or data')
    const models = list.map(readModel)
    return { ...(typeof table.date === 'string' && { date: table.date }), models }
  } catch (error) {
    throw new InspectorError(
      'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      `prices must be a JSON file such as { "models": [{ "modelName", "matchPattern", "prices" }] }, got ${path}: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

/** Tells price tables apart. */
export function tagOf(table: PriceTable): string {
  return table === builtInPrices
    ? (table.date ?? '')
    : createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 12)
}

function readModel(model: Record<string, unknown>, index: number): PriceTable['models'][number] {
  const { modelName, matchPattern, prices } = model
  if (typeof modelName !== 'string' || typeof matchPattern !== 'string') {
    throw new TypeError(`models[${index}] needs modelName and matchPattern`)
  }
  compile(matchPattern)
  // Langfuse has an object around each price.
  const entries = Object.entries((prices ?? {}) as Record<string, unknown>).map(([kind, price]) => [
    kind,
    Number(typeof price === 'object' && price !== null ? (price as { price: unknown }).price : price),
  ])
  const wrong = entries.find(([, price]) => !Number.isFinite(price))
  if (wrong) throw new TypeError(`models[${index}].prices.${wrong[0]} must be a number`)
  return { modelName, matchPattern, prices: Object.fromEntries(entries) }
}

function compile(matchPattern: string): RegExp {
  const isCaseless = matchPattern.startsWith('(?i)')
  return new RegExp(isCaseless ? matchPattern.slice(4) : matchPattern, isCaseless ? 'i' : '')
}
