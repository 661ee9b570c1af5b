import type { EvaluationSummary } from '../verdict/evaluation-result.ts'

/** The result as JSON, for other programs. */
export function formatJson(result: EvaluationSummary): string {
  const { experiment: _, ...summary } = result as EvaluationSummary & { experiment?: unknown }
  return `${JSON.stringify(summary, null, 2)}\n`
}
