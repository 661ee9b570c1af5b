import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/** The shell outlives the engine and ends it when its own input closes, that is when this process is gone, however it went. */
const SUPERVISOR =
  'log=$1; shift; exec 3<&0; "$@" </dev/null >>"$log" 2>&1 & echo $!; cat <&3 >/dev/null; kill -9 $! 2>/dev/null'
const READY_MS = 90_000

/**
 * Starts an engine that ends with this process, and waits until its port is open.
 * @param {{ command: string, args: string[], directory: string, port: number, env?: Record<string, string> }} options
 */
export async function startSupervised({ command, args, directory, port, env }) {
  const log = join(directory, 'engine.log')
  const shell = spawn('bash', ['-c', SUPERVISOR, 'supervisor', log, command, ...args], {
    cwd: directory,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const closed = once(shell, 'close')
  const [line] = await once(createInterface({ input: shell.stdout }), 'line')
  const pid = Number(line)
  shell.unref()
  shell.stdin.unref?.()
  shell.stdout.destroy()
  const engine = {
    pid,
    port,
    log: () => readFileSync(log, 'utf8'),
    /** Sends a signal and waits for the end. */
    async kill(signal = 'SIGKILL') {
      shell.ref()
      if (isAlive(pid)) process.kill(pid, signal)
      while (isAlive(pid)) await delay(20)
      shell.stdin.destroy()
      await closed
    },
    /** Stops or continues the process without ending it. */
    signal: name => process.kill(pid, name),
  }
  const deadline = Date.now() + READY_MS
  while (!(await isOpen(port))) {
    if (!isAlive(pid) || Date.now() > deadline) {
      await engine.kill()
      throw new Error(`${command} did not open port ${port}:\n${engine.log().slice(-2000)}`)
    }
    await delay(50)
  }
  return engine
}

/** A port of the loopback interface that nobody uses at present. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function isOpen(port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
