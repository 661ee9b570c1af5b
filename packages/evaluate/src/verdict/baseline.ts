import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EvaluateError } from '../basics/evaluate-error.ts'
import type { ScoreSummary, Statistic } from './score-summary.ts'

/** Statistics of an earlier run that thresholds compare with. */
export interface Baseline {
  readonly scores: Readonly<Record<string, Partial<Readonly<Record<Statistic, number>>>>>
}

/**
 * Reads a stored baseline.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_DATA` if there is none, or it cannot be read.
 */
export async function readBaseline(file: string): Promise<Baseline> {
  let baseline: Baseline | undefined
  try {
    baseline = JSON.parse(await readFile(file, 'utf8')) as Baseline
  } catch (cause) {
    throw new EvaluateError(
      'LANGFUSE_EVALUATE_INVALID_DATA',
      `cannot read the baseline ${file}; write it with \`updateBaseline: true\` or --update-baseline and commit it`,
      { cause },
    )
  }
  if (typeof baseline?.scores !== 'object' || baseline.scores === null)
    throw new EvaluateError('LANGFUSE_EVALUATE_INVALID_DATA', `${file} is not a baseline: it has no "scores"`)
  return baseline
}

/** Stores the statistics of this run as the next baseline. */
export async function writeBaseline(
  file: string,
  summaries: Readonly<Record<string, ScoreSummary>>,
): Promise<void> {
  const scores = Object.fromEntries(
    Object.entries(summaries)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, { count: _count, categories: _categories, ...statistics }]) => [name, statistics]),
  )
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify({ scores }, null, 2)}\n`)
}
