import type { EvaluationSummary } from '../verdict/evaluation-result.ts'
import { columnsOf, summaryRows } from './summary-rows.ts'

const MAX_LISTED = 10

/** The result as text for a terminal. */
export function formatTable(result: EvaluationSummary): string {
  const rows = [columnsOf(), ...summaryRows(result)]
  const widths = columnsOf().map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const table = rows.map(row =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
  const failed = result.items.filter(({ errors }) => errors.length > 0)
  return [
    `${result.passed ? 'PASS' : 'FAIL'}  ${result.name}  ${result.items.length} items, ${(result.durationMs / 1_000).toFixed(1)} s`,
    '',
    ...table,
    ...(failed.length === 0
      ? []
      : ['', `${failed.length} ${failed.length === 1 ? 'item' : 'items'} with errors:`]),
    ...failed.slice(0, MAX_LISTED).map(({ item, errors }) => `  ${item.id}: ${errors.join('; ')}`),
    ...(failed.length > MAX_LISTED ? [`  … and ${failed.length - MAX_LISTED} more`] : []),
    ...(result.failures.length === 0 ? [] : ['', ...result.failures.map(failure => `✗ ${failure}`)]),
    ...(result.url === undefined ? [] : ['', result.url]),
    '',
  ].join('\n')
}
