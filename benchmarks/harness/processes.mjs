import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'

const cores = availableParallelism()
export const MEASURED_CORE = String(cores - 1)
export const OTHER_CORES = cores > 2 ? `0-${cores - 2}` : '0'
// A container may have cores of other numbers.
const canPin =
  cores > 1 && [MEASURED_CORE, OTHER_CORES].every(on => spawnSync('taskset', ['-c', on, 'true']).status === 0)

/** Where each process runs: what is measured on a core of its own, where that can be had. */
export const pinning = canPin
  ? `the server has core ${MEASURED_CORE} to itself, load and sink are on the others`
  : 'processes are not pinned: taskset is missing or refused, or there is one core'

/**
 * Starts a program of Node.js that sends one message when it is ready, answers every other message with `{ answer }`, and ends when it is
 * disconnected.
 */
export async function startProcess(args, { on, program = process.execPath, env = {} }) {
  const [command, ...before] = canPin ? ['taskset', '-c', on, program] : [program]
  const child = spawn(command, [...before, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  })
  const ready = await nextMessage(child)
  return {
    ready,
    async ask(question) {
      const answered = nextMessage(child)
      child.send(question)
      return (await answered).answer
    },
    async stop() {
      const gone = once(child, 'exit')
      child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await gone
      clearTimeout(timer)
    },
  }
}

/** The next message of a process, or the news that it is gone. */
function nextMessage(child) {
  return new Promise((resolve, reject) => {
    const message = received => {
      child.off('exit', exit)
      resolve(received)
    }
    const exit = code => {
      child.off('message', message)
      reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`))
    }
    child.once('message', message)
    child.once('exit', exit)
  })
}
