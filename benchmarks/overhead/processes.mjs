import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const cores = availableParallelism()
const canPin = cores > 1 && spawnSync('taskset', ['-V']).status === 0

/** Where each process runs: the server on a core of its own, where that can be had. */
export const pinning = canPin
  ? `the server has core ${cores - 1} to itself, load and sink are on the others`
  : 'processes are not pinned: there is no taskset, or one core'

/** Starts the server of a variant; undefined where it cannot be measured here. */
export async function startServer(description, program) {
  const child = start('server.mjs', [JSON.stringify(description)], String(cores - 1), program)
  const { port, unavailable, failed } = await nextMessage(child)
  if (failed !== undefined) {
    child.disconnect()
    if (unavailable) return undefined
    throw new Error(`${description.variant} on ${description.framework} could not start: ${failed}`)
  }
  return { port, ask: question => ask(child, question), stop: () => stop(child) }
}

export async function startSink() {
  const child = start('sink.mjs', [], otherCores())
  const { port } = await nextMessage(child)
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    received: () => ask(child, 'received'),
    stop: () => stop(child),
  }
}

export async function startLoader() {
  const child = start('load.mjs', [], otherCores())
  await nextMessage(child)
  return {
    start: load => ask(child, { start: load }),
    count: () => ask(child, { question: 'count' }),
    end: () => ask(child, { question: 'end' }),
    stop: () => stop(child),
  }
}

function otherCores() {
  return cores > 2 ? `0-${cores - 2}` : '0'
}

function start(file, args, core, program = process.execPath) {
  const [command, ...before] = canPin ? ['taskset', '-c', core, program] : [program]
  const child = spawn(command, [...before, join(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return child
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

async function ask(child, question) {
  const answered = nextMessage(child)
  child.send(question)
  const { answer } = await answered
  return answer
}

async function stop(child) {
  const gone = once(child, 'exit')
  child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
  await gone
  clearTimeout(timer)
}
