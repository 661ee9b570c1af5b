import { parseArgs } from 'node:util'
import { EvaluateError } from '../basics/evaluate-error.ts'

/** The text of `--help`. */
export const helpText: string = `Evaluates traced HTTP routes over datasets, and makes datasets of traces.

Usage: npx @langfuse-middleware/evaluate <config> [options]
       npx @langfuse-middleware/evaluate dataset [options]

  <config>              a .ts, .mts, .js, .mjs or .cjs file whose default export is \`defineEvaluation({ … })\`, or an array of them
  --url <address>       evaluate the app that runs there instead of the config's
  --concurrency <n>     requests at a time
  --sample <n>          only n items, drawn with --seed (default 1)
  --resume <file>       keep finished items there and go on after an interruption
  --junit <file>        write JUnit XML
  --markdown <file>     write a Markdown summary (GITHUB_STEP_SUMMARY gets one by itself)
  --json <file>         write everything as JSON
  --update-baseline     write this run's statistics to the baseline of the config
  --quiet               no progress

  dataset: takes traces out of Langfuse, or out of the inspector at LANGFUSE_BASE_URL, as items of a dataset, redacted
  --out <file>          JSON Lines file to write (default: print)
  --to <name>           add the items to this Langfuse dataset
  --route <name>        only traces of this name or route, such as "POST /ask"
  --tag <tag>           only traces with this tag
  --score <condition>   only traces with such a score, for example "helpful<0.5"
  --errors              only traces with an observation of level ERROR
  --since <duration>    only traces of the last 30m, 24h or 7d (default 24h)
  --limit <n>           at most n traces (default 100)
  --expected            keep the answers as expected outputs

  --help, --version

Exit status: 0 passed, 1 a threshold was missed or items failed, 2 the evaluation could not start.
`

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

const OPTIONS = {
  url: text,
  concurrency: text,
  sample: text,
  seed: text,
  resume: text,
  junit: text,
  markdown: text,
  json: text,
  'update-baseline': flag,
  quiet: flag,
  out: text,
  to: text,
  route: text,
  tag: text,
  score: text,
  errors: flag,
  since: text,
  limit: text,
  expected: flag,
  help: { type: 'boolean', short: 'h' },
  version: flag,
} as const

/** Options as they stand on the command line. */
interface CommandValues
  extends Partial<Record<'url' | 'concurrency' | 'sample' | 'seed' | 'resume', string>>,
    Partial<Record<'junit' | 'markdown' | 'json' | 'out' | 'to', string>>,
    Partial<Record<'route' | 'tag' | 'score' | 'since' | 'limit', string>>,
    Partial<Record<'update-baseline' | 'quiet' | 'errors' | 'expected' | 'help' | 'version', boolean>> {}

/** A parsed command line. */
export interface CommandLine {
  /** The config file, `dataset`, or undefined. */
  readonly command: string | undefined
  readonly values: CommandValues
}

/**
 * Reads the command line.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_OPTION` for what it does not know.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { positionals, values } = parse(args)
  if (positionals.length > 1) throw invalid(`one config at a time, got ${positionals.join(', ')}`)
  return { command: positionals[0], values }
}

function parse(args: readonly string[]): { positionals: string[]; values: CommandValues } {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw invalid(`${(error as Error).message}; see --help`)
  }
}

/** A whole number of the command line; undefined if it was not given. */
export function numberOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,9}$/.test(value))
    throw invalid(`--${name} must be a whole number, got ${JSON.stringify(value)}`)
  return Number(value)
}

function invalid(message: string): EvaluateError {
  return new EvaluateError('LANGFUSE_EVALUATE_INVALID_OPTION', message)
}
