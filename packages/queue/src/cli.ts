#!/usr/bin/env node
import { version } from '../package.json' with { type: 'json' }
import { queueFromUrl } from './address/queue-url.ts'
import { helpText, parseCommand } from './command-line/flags.ts'
import { redriveDeadLetters } from './worker/redrive.ts'
import { createWorker } from './worker/worker.ts'

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})

async function main(): Promise<void> {
  const command = parseCommand(process.argv.slice(2), process.env)
  if (command.name === 'help' || command.name === 'version') {
    process.stdout.write(command.name === 'help' ? helpText : `${version}\n`)
    return
  }
  const queue = queueFromUrl(command.queueUrl)
  if (command.name === 'redrive') {
    const { limit, causes } = command
    await redriveDeadLetters({ queue, limit, causes })
    return
  }
  const worker = createWorker({ queue, ...command.options })
  const stop = (): void => {
    // A second signal ends the process at once.
    process.off('SIGTERM', stop).off('SIGINT', stop)
    void worker.stop().then(() => process.exit(0))
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  await worker.start()
}
