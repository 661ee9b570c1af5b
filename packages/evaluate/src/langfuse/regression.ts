import { type ExperimentResult, RegressionError } from '@langfuse/client'
import type { EvaluationSummary } from '../verdict/evaluation-result.ts'

/** The result in the form of Langfuse's experiments, for its runner and its GitHub Action. */
export function toExperimentResult(
  result: EvaluationSummary,
  experimentId: string,
  datasetRunId: string | undefined,
  format: () => string,
): ExperimentResult {
  return {
    experimentId,
    runName: result.runName,
    ...(datasetRunId !== undefined && { datasetRunId }),
    ...(result.url !== undefined && { datasetRunUrl: result.url }),
    itemResults: result.items.map(({ item, output, scores, traceId }) => ({
      item: {
        ...item,
        metadata: item.metadata ?? undefined,
      } as ExperimentResult['itemResults'][number]['item'],
      input: item.input,
      expectedOutput: item.expectedOutput,
      output,
      evaluations: scores.map(({ name, value, comment }) => ({
        name,
        ...(typeof value === 'boolean' ? { value: Number(value), dataType: 'BOOLEAN' } : { value }),
        ...(comment !== undefined && { comment }),
      })),
      ...(traceId !== undefined && { traceId }),
      ...(datasetRunId !== undefined && { datasetRunId }),
    })),
    runEvaluations: Object.entries(result.scores).flatMap(([name, { mean }]) =>
      mean === undefined ? [] : [{ name: `${name} (mean)`, value: mean }],
    ),
    format: async () => format(),
  }
}

/** Throws Langfuse's `RegressionError` for a run that did not pass. */
export function assertPassed(passed: boolean, failures: readonly string[], result: ExperimentResult): void {
  if (!passed) throw new RegressionError({ result, message: failures.join('\n') })
}
