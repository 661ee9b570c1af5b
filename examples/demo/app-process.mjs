import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const startTimeoutMs = 15_000
const stopTimeoutMs = 8_000

/**
 * Runs an example app as a process of its own, as in production, and resolves once it answers.
 * @param {string} name - its folder under examples
 * @param {object} options
 * @param {number} options.port
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(line: string) => void} [options.onLine] - called with each line the app prints
 * @param {() => void} [options.onExit] - called when it ends before it was told to
 */
export async function startApp(name, { port, env, onLine, onExit }) {
  const url = `http://127.0.0.1:${port}`
  const guard = new URL('end-with-parent.mjs', import.meta.url)
  const script = fileURLToPath(new URL(`../${name}/server.mjs`, import.meta.url))
  const child = spawn(process.execPath, ['--import', guard.href, script], {
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C reaches a whole process group; the apps are to hear of it from us, once.
    detached: process.platform !== 'win32',
  })
  const exited = once(child, 'exit')
  /** @type {string[]} */
  const lines = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: /** @type {import('node:stream').Readable} */ (stream) }).on('line', line => {
      lines.push(line)
      onLine?.(line)
    })
  }
  let stopping = false
  exited.then(() => {
    if (!stopping) onExit?.()
  })

  await Promise.race([
    untilHealthy(url),
    exited.then(([code, signal]) => {
      throw new Error(`${name} ended (${signal ?? code}) before it answered:\n${lines.slice(-20).join('\n')}`)
    }),
  ])
  return {
    name,
    url,
    /** Ends it as an orchestrator would: SIGTERM, and SIGKILL when that takes too long. */
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      const inTime = await Promise.race([
        exited.then(() => true),
        delay(stopTimeoutMs, false, { ref: false }),
      ])
      if (!inTime) child.kill('SIGKILL')
      return exited
    },
  }
}

/** @param {string} url */
async function untilHealthy(url) {
  const deadline = AbortSignal.timeout(startTimeoutMs)
  while (true) {
    const response = await fetch(`${url}/health`, { signal: deadline }).catch(() => undefined)
    if (response?.ok) return
    if (deadline.aborted) throw new Error(`${url} did not answer within ${startTimeoutMs / 1000} s.`)
    await delay(50)
  }
}
