import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname

/** Starts a server; `set` tells it how to behave and `report` asks what it received. */
export async function startServer() {
  const child = fork(join(here, 'server.mjs'))
  const [{ port }] = await once(child, 'message')
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    set: message => ask(child, message),
    report: () => ask(child, 'report'),
    stop: () => child.disconnect(),
  }
}

/** Starts an application; `end` lets it flush and end, `kill` sends a signal, both resolve when it is gone. */
export async function startApplication(options) {
  const stateFile = join(mkdtempSync(join(tmpdir(), 'delivery-')), 'state')
  const child = fork(join(here, 'application.mjs'), [JSON.stringify({ ...options, stateFile })])
  const exited = once(child, 'exit')
  let last = {}
  child.on('message', message => {
    last = message
  })
  await once(child, 'message')
  return {
    prefix: options.prefix,
    async end() {
      if (child.connected) child.send('end', () => {})
      await exited
      return figures()
    },
    async kill(signal) {
      child.kill(signal)
      await exited
      return figures()
    },
  }

  function figures() {
    const bytes = readFileSync(stateFile)
    const [sent, safe, peakRss] = new Float64Array(bytes.buffer, bytes.byteOffset, 3)
    return { ...last, sent, safe, peakMiB: peakRss / 2 ** 20 }
  }
}

async function ask(child, message) {
  const answered = once(child, 'message')
  child.send(message)
  const [answer] = await answered
  return answer
}

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
