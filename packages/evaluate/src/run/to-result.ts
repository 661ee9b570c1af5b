import type { Experiment } from '../langfuse/experiment.ts'
import { assertPassed, toExperimentResult } from '../langfuse/regression.ts'
import { formatTable } from '../report/table.ts'
import type { Baseline } from '../verdict/baseline.ts'
import type { EvaluationResult, ItemResult } from '../verdict/evaluation-result.ts'
import { type ScoreSummary, summarise } from '../verdict/score-summary.ts'
import { checkScores } from '../verdict/thresholds.ts'
import type { ResolvedOptions } from './evaluate-options.ts'

interface Finished {
  readonly options: ResolvedOptions
  readonly items: readonly ItemResult[]
  readonly experiment: Experiment | undefined
  readonly baseline: Baseline | undefined
  /** Spans and scores that Langfuse did not take. */
  readonly lost: number
  readonly startedAt: number
}

/** Adds up a run and compares it with its thresholds. */
export async function toResult(finished: Finished): Promise<EvaluationResult> {
  const { options, items, experiment, baseline, lost, startedAt } = finished
  const scores = summaries(items)
  // A run that writes the baseline is the one that later runs are compared with.
  const checks = checkScores(scores, options.thresholds, baseline).filter(
    ({ kind }) => !options.updateBaseline || kind === 'min' || kind === 'max',
  )
  const failures = checks.filter(({ passed }) => !passed).map(({ message }) => message)
  const failed = items.filter(({ errors }) => errors.length > 0).length
  if (failed > options.maxFailedItems)
    failures.push(`${failed} of ${items.length} items failed, at most ${options.maxFailedItems} may`)
  if (lost > 0) failures.push(`${lost} spans or scores were not delivered to Langfuse`)
  const passed = failures.length === 0
  const result = {
    name: options.name,
    runName: options.runName,
    passed,
    items,
    scores,
    checks,
    failures,
    url: await experiment?.url().catch(() => undefined),
    durationMs: performance.now() - startedAt,
  }
  const experimentResult = toExperimentResult(
    result,
    experiment?.id ?? options.runName,
    experiment?.datasetRunId,
    () => formatTable(result),
  )
  return {
    ...result,
    experiment: experimentResult,
    assert: () => assertPassed(passed, failures, experimentResult),
  }
}

function summaries(items: readonly ItemResult[]): Record<string, ScoreSummary> {
  const values = new Map<string, (number | boolean | string)[]>()
  for (const { scores } of items) {
    for (const { name, value } of scores) values.set(name, [...(values.get(name) ?? []), value])
  }
  return Object.fromEntries([...values].map(([name, all]) => [name, summarise(all)]))
}
