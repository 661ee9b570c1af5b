import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { formatJson } from '../report/json.ts'
import { formatJUnit } from '../report/junit.ts'
import { formatMarkdown } from '../report/markdown.ts'
import { formatTable } from '../report/table.ts'
import type { EvaluateRouteOptions, Progress } from '../run/evaluate-options.ts'
import { evaluateRoute } from '../run/evaluate-route.ts'
import type { EvaluationResult } from '../verdict/evaluation-result.ts'
import { type CommandLine, numberOf } from './command-line.ts'
import { loadConfig } from './load-config.ts'

/** Runs the evaluations of a config and writes the reports; resolves with whether all passed. */
export async function evaluateCommand(config: string, { values }: CommandLine): Promise<boolean> {
  const results: EvaluationResult[] = []
  for (const evaluation of await loadConfig(config)) {
    const result = await evaluateRoute(withCommandLine(evaluation, values))
    process.stdout.write(`${formatTable(result)}\n`)
    results.push(result)
  }
  const summary = results.map(formatMarkdown).join('\n')
  await Promise.all([
    write(values.junit, mergedJUnit(results)),
    write(values.markdown, summary),
    write(
      values.json,
      results.length === 1 ? formatJson(results[0]!) : `[${results.map(formatJson).join(',')}]`,
    ),
    process.env.GITHUB_STEP_SUMMARY && appendFile(process.env.GITHUB_STEP_SUMMARY, summary),
  ])
  return results.every(({ passed }) => passed)
}

function withCommandLine(
  evaluation: EvaluateRouteOptions,
  values: CommandLine['values'],
): EvaluateRouteOptions {
  const { app, ...rest } = evaluation
  const concurrency = numberOf('concurrency', values.concurrency)
  const sample = numberOf('sample', values.sample)
  const seed = numberOf('seed', values.seed)
  const showsProgress = !values.quiet && evaluation.onProgress === undefined && process.stderr.isTTY
  return {
    ...rest,
    ...(values.url === undefined ? app !== undefined && { app } : { url: values.url }),
    ...(concurrency !== undefined && { concurrency }),
    ...(sample !== undefined && { sample }),
    ...(seed !== undefined && { seed }),
    ...(values.resume !== undefined && { resume: values.resume }),
    ...(values['update-baseline'] && { updateBaseline: true }),
    ...(showsProgress && { onProgress }),
  }
}

function onProgress({ done, total, last }: Progress): void {
  const failed = last.errors.length > 0 ? ` ${last.item.id} failed` : ''
  process.stderr.write(`\r\u001b[K${done}/${total}${failed}${done === total ? '\n' : ''}`)
}

/** One document for all evaluations of a config. */
function mergedJUnit(results: readonly EvaluationResult[]): string {
  const suites = results.map(result => /<testsuite [\s\S]*<\/testsuite>/.exec(formatJUnit(result))![0])
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  ${suites.join('\n  ')}\n</testsuites>\n`
}

async function write(file: string | undefined, text: string): Promise<void> {
  if (file === undefined) return
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}
