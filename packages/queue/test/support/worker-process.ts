import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const CLI = join(__dirname, '..', '..', 'dist', 'cli.mjs')

/** The worker as its users run it. */
export interface WorkerProcess {
  readonly child: ChildProcess
  /** Everything it has printed. */
  readonly output: () => string
  /** Address of its metrics, once it has printed it. */
  readonly url: () => string | undefined
  /** Sends a signal, and returns the exit code, or null if the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** Runs the command with arguments and an environment of nothing but `env`. */
export function runWorker(env: Record<string, string>, args: string[] = []): WorkerProcess {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH ?? '', LANGFUSE_QUEUE_PORT: '0', LANGFUSE_QUEUE_HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  let printed = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => (printed += chunk))
  return {
    child,
    output: () => printed,
    url: () => /metrics at (\S+)\/metrics/.exec(printed)?.[1],
    async end(signal) {
      child.kill(signal)
      return (await exit)[0]
    },
  }
}
