import type { EvaluationSummary } from '../verdict/evaluation-result.ts'
import type { ScoreSummary } from '../verdict/score-summary.ts'

/** Headings of a summary, one per column of `summaryRows`. */
export function columnsOf(): string[] {
  return ['score', 'items', 'mean', 'pass', 'p50', 'p95', 'threshold']
}

/** One row per score: its statistics, and whether its thresholds hold. */
export function summaryRows(result: EvaluationSummary): string[][] {
  const names = new Set([...Object.keys(result.scores), ...result.checks.map(({ score }) => score)])
  return [...names].map(name => {
    const summary = result.scores[name]
    const checks = result.checks.filter(({ score }) => score === name)
    const verdict = checks.length === 0 ? '' : checks.every(({ passed }) => passed) ? 'ok' : 'failed'
    return [name, String(summary?.count ?? 0), ...statistics(summary), verdict]
  })
}

function statistics(summary: ScoreSummary | undefined): string[] {
  if (summary?.mean === undefined) return [categories(summary), '', '', '']
  const { mean, passRate, p50, p95 } = summary
  return [shown(mean), `${Math.round((passRate ?? 0) * 100)} %`, shown(p50), shown(p95)]
}

function categories(summary: ScoreSummary | undefined): string {
  return Object.entries(summary?.categories ?? {})
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function shown(value: number | undefined): string {
  if (value === undefined) return ''
  return String(Number(value.toPrecision(3)))
}
