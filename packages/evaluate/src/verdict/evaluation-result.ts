import type { ExperimentResult } from '@langfuse/client'
import type { DatasetItem } from '../data/item.ts'
import type { EvaluationScore } from '../evaluators/evaluator.ts'
import type { ScoreSummary } from './score-summary.ts'
import type { ThresholdCheck } from './thresholds.ts'

/** What one item gave. */
export interface ItemResult {
  readonly item: DatasetItem
  readonly output: unknown
  readonly status: number | undefined
  readonly durationMs: number | undefined
  readonly traceId: string | undefined
  readonly tokens: number | undefined
  /** US dollars. */
  readonly cost: number | undefined
  readonly scores: readonly EvaluationScore[]
  /** Why the item has no answer, no trace, or lacks a score. */
  readonly errors: readonly string[]
  /** Taken over from an earlier, interrupted run. */
  readonly resumed: boolean
}

/** Everything that a run found. */
export interface EvaluationSummary {
  readonly name: string
  readonly runName: string
  /** True if every threshold holds and no more items failed than `maxFailedItems`. */
  readonly passed: boolean
  readonly items: readonly ItemResult[]
  readonly scores: Readonly<Record<string, ScoreSummary>>
  readonly checks: readonly ThresholdCheck[]
  /** Why the run failed, one sentence each. */
  readonly failures: readonly string[]
  /** The run in Langfuse, if it is one of a dataset there. */
  readonly url: string | undefined
  readonly durationMs: number
}

/** Everything that a run found, and the verdict on it. */
export interface EvaluationResult extends EvaluationSummary {
  /** The same as Langfuse's client gives for an experiment. */
  readonly experiment: ExperimentResult
  /**
   * Does nothing if the run passed.
   *
   * @throws {RegressionError} of `@langfuse/client`, if it did not.
   */
  assert(): void
}
