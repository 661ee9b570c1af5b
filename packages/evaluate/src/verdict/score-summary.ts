/** The values that one score has over all items. */
export interface ScoreSummary {
  readonly count: number
  /** Of numbers; `true` counts as 1, `false` as 0. Undefined for text. */
  readonly mean: number | undefined
  /** Share of values that are true, or numbers of at least 0.5. Undefined for text. */
  readonly passRate: number | undefined
  readonly p50: number | undefined
  readonly p90: number | undefined
  readonly p95: number | undefined
  readonly p99: number | undefined
  /** How often each text was given. */
  readonly categories: Readonly<Record<string, number>>
}

/** A number of a summary that a threshold can name. */
export type Statistic = 'mean' | 'passRate' | 'p50' | 'p90' | 'p95' | 'p99'

const PASS_AT = 0.5

/** True if a value counts as passed. */
export function isPass(value: number | boolean | string): boolean {
  return value === true || (typeof value === 'number' && value >= PASS_AT)
}

/** Adds up the values of one score. */
export function summarise(values: readonly (number | boolean | string)[]): ScoreSummary {
  const numbers = values
    .filter(value => typeof value !== 'string')
    .map(Number)
    .sort((left, right) => left - right)
  const categories: Record<string, number> = {}
  for (const value of values) {
    if (typeof value === 'string') categories[value] = (categories[value] ?? 0) + 1
  }
  const has = numbers.length > 0
  const passed = values.filter(isPass).length
  return {
    count: values.length,
    mean: has ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : undefined,
    passRate: has ? passed / numbers.length : undefined,
    p50: percentile(numbers, 50),
    p90: percentile(numbers, 90),
    p95: percentile(numbers, 95),
    p99: percentile(numbers, 99),
    categories,
  }
}

/** Nearest rank: a value that occurred. */
function percentile(sorted: readonly number[], percent: number): number | undefined {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
}
