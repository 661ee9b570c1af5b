import type { EvaluationSummary, ItemResult } from '../verdict/evaluation-result.ts'
import { isPass } from '../verdict/score-summary.ts'
import { columnsOf, summaryRows } from './summary-rows.ts'

const MAX_LISTED = 20
const MAX_TEXT = 200

/** The result as Markdown, for a comment on a pull request or `GITHUB_STEP_SUMMARY`. */
export function formatMarkdown(result: EvaluationSummary): string {
  const title = `### ${result.passed ? '✅' : '❌'} ${cell(result.name)}`
  const failing = result.items.filter(isFailing)
  return [
    title,
    '',
    ...result.failures.map(failure => `- ${cell(failure)}`),
    ...(result.failures.length === 0 ? [] : ['']),
    row(columnsOf()),
    row(columnsOf().map((_, column) => (column === 0 ? ':--' : '--:'))),
    ...summaryRows(result).map(row),
    '',
    ...(failing.length === 0 ? [] : failingItems(failing)),
    `${result.items.length} items in ${(result.durationMs / 1_000).toFixed(1)} s${result.url === undefined ? '' : `, [in Langfuse](${result.url})`}`,
    '',
  ].join('\n')
}

function isFailing({ errors, scores }: ItemResult): boolean {
  return errors.length > 0 || scores.some(({ value }) => typeof value !== 'string' && !isPass(value))
}

function failingItems(items: readonly ItemResult[]): string[] {
  return [
    `<details><summary>${items.length} items to look at</summary>`,
    '',
    row(['item', 'input', 'output', 'why']),
    row(['--', '--', '--', '--']),
    ...items
      .slice(0, MAX_LISTED)
      .map(({ item, output, errors, scores }) =>
        row(
          [
            item.id,
            JSON.stringify(item.input),
            JSON.stringify(output) ?? '',
            [
              ...errors,
              ...scores
                .filter(({ value }) => typeof value !== 'string' && !isPass(value))
                .map(
                  ({ name, value, comment }) =>
                    `${name} ${value}${comment === undefined ? '' : ` (${comment})`}`,
                ),
            ].join('; '),
          ].map(cell),
        ),
      ),
    ...(items.length > MAX_LISTED ? [row([`… and ${items.length - MAX_LISTED} more`, '', '', ''])] : []),
    '',
    '</details>',
    '',
  ]
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** Text of a model must not break the table, mention anybody, or load anything. */
function cell(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  return short
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#|!~]/g, '\\$&')
    .replaceAll('@', '@\u200b')
}
