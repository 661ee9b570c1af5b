import { parseArgs } from 'node:util'
import { InspectorError } from '../basics/inspector-error.ts'

/** What `--help` prints. */
export const helpText: string = `Receives Langfuse traces on this machine, prints them and shows them in a browser.

Usage: npx @langfuse-middleware/inspector [options]
       npx @langfuse-middleware/inspector mcp [--port <number>]   lets coding assistants look at the traces (stdio)

  --port <number>   port to listen on (default 4319; the next free one if in use)
  --host <address>  address to listen on (default 127.0.0.1)
  --file <path>     where traces are kept over restarts (default .langfuse/traces.jsonl)
  --memory          keep traces in memory only
  --prices <path>   JSON file with prices of models, instead of the built-in ones
  --datasets <path> folder for dataset files (default datasets)
  --json            print each trace as one line of JSON
  --quiet           print no traces, only the summary at the end
  --force           start in production, or on an address that others can reach
  --help            print this
  --version         print the version

Then start your app with LANGFUSE_BASE_URL pointing here, and any keys:

  LANGFUSE_BASE_URL=http://127.0.0.1:4319 LANGFUSE_PUBLIC_KEY=any LANGFUSE_SECRET_KEY=any node app.js

To send single traces on to a real Langfuse, start the inspector itself with LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and
LANGFUSE_BASE_URL set.
`

/** What the command line asks for. */
export interface CliOptions {
  port?: number
  host?: string
  file?: string
  prices?: string
  datasets?: string
  json: boolean
  quiet: boolean
  force: boolean
  help: boolean
  version: boolean
}

/** Reads the command line; throws an InspectorError for what it does not know. */
export function parseCommandLine(args: string[]): CliOptions {
  const { port, memory, file, ...rest } = parse(args)
  const values = memory ? rest : { ...rest, file }
  if (port === undefined) return values
  if (!/^\d{1,5}$/.test(port)) throw invalid(`--port must be a number, got ${JSON.stringify(port)}`)
  return { ...values, port: Number(port) }
}

function parse(args: string[]): Omit<CliOptions, 'port'> & { port?: string; file: string; memory: boolean } {
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string', short: 'p' },
        host: { type: 'string' },
        file: { type: 'string', default: '.langfuse/traces.jsonl' },
        prices: { type: 'string' },
        datasets: { type: 'string' },
        memory: flag,
        json: flag,
        quiet: { ...flag, short: 'q' },
        force: flag,
        help: { ...flag, short: 'h' },
        version: { ...flag, short: 'v' },
      },
    }).values
  } catch (error) {
    throw invalid((error as Error).message, error)
  }
}

function invalid(message: string, cause?: unknown): InspectorError {
  return new InspectorError('LANGFUSE_MIDDLEWARE_INVALID_OPTION', `${message}: see --help`, { cause })
}
