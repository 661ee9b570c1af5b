#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { version } from '../package.json' with { type: 'json' }
import { diagnose } from './diagnose.ts'
import { formatDiagnosis } from './report/text-report.ts'

const HELP = `Finds out what keeps traces from reaching Langfuse. Run it in the folder of the app, with its environment.

Usage: npx @langfuse-middleware/doctor [options]

  --json               print findings as JSON
  --offline            look at this machine only: request nothing, send no trace
  --spool <directory>  look at the app's spool, too
  --timeout <ms>       how long a request may take (default 10000)
  --help, --version

Exit status: 0 if nothing stops traces, 1 if something does, 2 for a wrong option. No secret is printed.
`

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
})

async function main(args: string[]): Promise<void> {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: { json: flag, offline: flag, spool: text, timeout: text, help: flag, version: flag },
  })
  if (values.help || values.version) {
    process.stdout.write(values.help ? HELP : `${version}\n`)
    return
  }
  const timeoutMs = Number(values.timeout ?? 10_000)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1)
    throw new Error(`--timeout must be a number of milliseconds, got ${values.timeout}`)
  const diagnosis = await diagnose({
    timeoutMs,
    ...(values.offline && { offline: true }),
    ...(values.spool !== undefined && { spool: values.spool }),
  })
  process.stdout.write(values.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : formatDiagnosis(diagnosis))
  process.exitCode = diagnosis.healthy ? 0 : 1
}
