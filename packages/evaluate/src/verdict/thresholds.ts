import { invalidOption } from '../basics/evaluate-error.ts'
import type { Baseline } from './baseline.ts'
import type { ScoreSummary, Statistic } from './score-summary.ts'

/** What a statistic must reach. A number alone is a minimum. */
export type Bound =
  | number
  | {
      min?: number
      max?: number
      /** How far it may fall below the baseline. */
      maxDrop?: number
      /** How far it may rise above the baseline. */
      maxRise?: number
    }

/** Bounds of one score. A number alone is the least mean. */
export type Threshold = number | { [name in Statistic]?: Bound }

/** Bounds by the name of a score. */
export type Thresholds = Readonly<Record<string, Threshold>>

/** One bound, and whether it holds. */
export interface ThresholdCheck {
  readonly score: string
  readonly statistic: Statistic
  readonly kind: 'min' | 'max' | 'maxDrop' | 'maxRise'
  /** What the value was compared with. */
  readonly limit: number
  readonly value: number | undefined
  readonly passed: boolean
  readonly message: string
}

const STATISTICS: readonly Statistic[] = ['mean', 'passRate', 'p50', 'p90', 'p95', 'p99']
const KINDS = ['min', 'max', 'maxDrop', 'maxRise'] as const

/**
 * Checks the form of thresholds.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_OPTION` with the path of the wrong part.
 */
export function checkThresholds(thresholds: Thresholds): void {
  for (const [score, threshold] of Object.entries(thresholds)) {
    const path = `thresholds.${score}`
    if (typeof threshold === 'number') {
      finite(path, threshold)
      continue
    }
    if (typeof threshold !== 'object' || threshold === null)
      throw invalidOption(path, 'a number or an object', threshold)
    for (const [statistic, bound] of Object.entries(threshold)) {
      if (!STATISTICS.includes(statistic as Statistic))
        throw invalidOption(path, `an object with ${STATISTICS.join(', ')}`, { [statistic]: bound })
      checkBound(`${path}.${statistic}`, bound)
    }
  }
}

function checkBound(path: string, bound: unknown): void {
  if (typeof bound === 'number') return finite(path, bound)
  if (typeof bound !== 'object' || bound === null) throw invalidOption(path, 'a number or an object', bound)
  for (const [kind, limit] of Object.entries(bound)) {
    if (!KINDS.includes(kind as (typeof KINDS)[number]))
      throw invalidOption(path, `an object with ${KINDS.join(', ')}`, bound)
    finite(`${path}.${kind}`, limit)
  }
}

function finite(path: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw invalidOption(path, 'a finite number', value)
}

/** True if a threshold compares with a baseline. */
export function needsBaseline(thresholds: Thresholds): boolean {
  return boundsOf(thresholds).some(({ kind }) => kind === 'maxDrop' || kind === 'maxRise')
}

/** Compares what was measured with the thresholds. A score that nobody gave fails. */
export function checkScores(
  summaries: Readonly<Record<string, ScoreSummary>>,
  thresholds: Thresholds,
  baseline: Baseline | undefined,
): ThresholdCheck[] {
  return boundsOf(thresholds).map(({ score, statistic, kind, limit }) => {
    const value = summaries[score]?.[statistic]
    const before = baseline?.scores[score]?.[statistic]
    const isRelative = kind === 'maxDrop' || kind === 'maxRise'
    const compared = isRelative ? (before ?? Number.NaN) + (kind === 'maxDrop' ? -limit : limit) : limit
    const isLower = kind === 'min' || kind === 'maxDrop'
    const passed = value !== undefined && (isLower ? value >= compared : value <= compared)
    const base = isRelative ? ` (baseline ${before === undefined ? 'missing' : shown(before)})` : ''
    const message = `${score}: ${statistic} is ${value === undefined ? 'missing' : shown(value)}, must be ${isLower ? 'at least' : 'at most'} ${shown(compared)}${base}`
    return { score, statistic, kind, limit: compared, value, passed, message }
  })
}

function boundsOf(thresholds: Thresholds) {
  return Object.entries(thresholds).flatMap(([score, threshold]) =>
    Object.entries(typeof threshold === 'number' ? { mean: threshold } : threshold).flatMap(
      ([statistic, bound]) =>
        Object.entries(typeof bound === 'number' ? { min: bound } : (bound ?? {})).map(([kind, limit]) => ({
          score,
          statistic: statistic as Statistic,
          kind: kind as ThresholdCheck['kind'],
          limit: limit as number,
        })),
    ),
  )
}

function shown(value: number): string {
  return Number.isNaN(value) ? 'the baseline' : String(Number(value.toPrecision(4)))
}
