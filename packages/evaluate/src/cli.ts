#!/usr/bin/env node
import { version } from '../package.json' with { type: 'json' }
import { helpText, parseCommandLine } from './command/command-line.ts'
import { datasetCommand } from './command/dataset-command.ts'
import { evaluateCommand } from './command/evaluate-command.ts'

main(process.argv.slice(2)).then(
  passed => {
    process.exitCode = passed ? 0 : 1
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  },
)

async function main(args: string[]): Promise<boolean> {
  const commandLine = parseCommandLine(args)
  const { command, values } = commandLine
  if (values.help || values.version) {
    process.stdout.write(values.help ? helpText : `${version}\n`)
    return true
  }
  if (command === undefined) throw new Error('name a config file, or "dataset"; see --help')
  if (command !== 'dataset') return evaluateCommand(command, commandLine)
  await datasetCommand(commandLine)
  return true
}
