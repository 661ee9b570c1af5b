import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

// What `npx @langfuse-middleware/queue` runs.
const command = fileURLToPath(new URL('cli.mjs', import.meta.resolve('@langfuse-middleware/queue')))
const guard = fileURLToPath(new URL('../demo/end-with-parent.cjs', import.meta.url))
const STOP_TIMEOUT_MS = 30_000

/**
 * Starts a worker as a process of its own.
 * @param {NodeJS.ProcessEnv} env
 */
export function startWorker(env) {
  const child = spawn(process.execPath, ['--require', guard, command, '--port', 'off'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C reaches a whole process group; start.mjs ends the worker itself.
    detached: process.platform !== 'win32',
  })
  const exited = once(child, 'exit')
  /** @type {string[]} */
  const lines = []
  for (const stream of [child.stdout, child.stderr]) {
    const input = /** @type {import('node:stream').Readable} */ (stream)
    createInterface({ input }).on('line', line => lines.push(line))
  }
  return {
    lines,
    /** Ends it with SIGTERM; returns its last line, which says how many messages it has delivered. */
    async stop() {
      child.kill('SIGTERM')
      const inTime = await Promise.race([exited, delay(STOP_TIMEOUT_MS, undefined, { ref: false })])
      if (!inTime) child.kill('SIGKILL')
      return lines.at(-1) ?? ''
    },
  }
}
