import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const startTimeoutMs = 15_000
const stopTimeoutMs = 8_000

/**
 * Runs an example app as a process of its own, as in production, and resolves once it listens.
 * @param {string} name - its folder under examples
 * @param {object} options
 * @param {string} [options.script] - the file in that folder
 * @param {string[]} [options.nodeOptions]
 * @param {number} options.port - 0 for any
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(line: string) => void} [options.onLine] - called with each line the app prints
 * @param {() => void} [options.onExit] - called when it ends before it was told to
 */
export async function startApp(name, { script = 'server.mjs', nodeOptions = [], port, env, onLine, onExit }) {
  const guard = fileURLToPath(new URL('end-with-parent.cjs', import.meta.url))
  const child = spawn(process.execPath, ['--require', guard, ...nodeOptions, script], {
    cwd: fileURLToPath(new URL(`../${name}`, import.meta.url)),
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C reaches a whole process group; the apps are to hear of it from us, once.
    detached: process.platform !== 'win32',
  })
  const exited = once(child, 'exit')
  /** @type {string[]} */
  const lines = []
  /** @type {Promise<string>} */
  const listening = new Promise(resolve => {
    for (const stream of [child.stdout, child.stderr]) {
      const input = /** @type {import('node:stream').Readable} */ (stream)
      createInterface({ input }).on('line', line => {
        lines.push(line)
        onLine?.(line)
        const [, url] = line.match(/ listens on (http\S+)$/) ?? []
        if (url) resolve(url)
      })
    }
  })

  const tooLate = delay(startTimeoutMs, undefined, { ref: false })
  const url = await Promise.race([listening, exited.then(() => undefined), tooLate])
  if (!url) {
    child.kill('SIGKILL')
    throw new Error([`${name} did not start:`, ...lines.slice(-40)].join('\n'))
  }
  let stopping = false
  exited.then(() => stopping || onExit?.())

  return {
    url,
    /** Ends it as an orchestrator would: SIGTERM, and SIGKILL when that takes too long. */
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      const inTime = await Promise.race([exited, delay(stopTimeoutMs, undefined, { ref: false })])
      if (!inTime) child.kill('SIGKILL')
      return exited
    },
  }
}
