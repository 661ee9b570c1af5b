import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, startServer } from './processes.mjs'

const CLIENTS = 8
const LOAD_MS = 1500

/** A server under load gets SIGTERM while Langfuse is well, slow, hangs or fails. Each returns the figures of a line. */
export const leavingScenarios = [
  { name: 'SIGTERM, Langfuse at 200 ms', langfuse: { latencyMs: 200 } },
  { name: 'SIGTERM, Langfuse at 1 s', langfuse: { latencyMs: 1000 } },
  { name: 'SIGTERM, Langfuse hangs', langfuse: { mode: 'hang' } },
  { name: 'SIGTERM, Langfuse answers 503', langfuse: { mode: '503' } },
].map(({ name, langfuse }) => ({
  name,
  exporters: ['outbox', 'spool', 'sdk'],
  run: exporter => leave(exporter, langfuse),
}))

async function leave(exporter, langfuse) {
  const server = await startServer()
  const directory = mkdtempSync(join(tmpdir(), 'leaving-'))
  await server.set(langfuse)
  const application = await startApplication({ baseUrl: server.baseUrl, exporter, directory })
  const answered = new Set()
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    client(application.port, `${index}`, answered),
  )
  await sleep(LOAD_MS)
  const counted = await application.end()
  await Promise.all(clients)
  const before = new Set((await server.report()).received)
  await server.set({ mode: 'accept', latencyMs: 0 })
  if (exporter === 'spool') {
    const next = await startApplication({ baseUrl: server.baseUrl, exporter, directory })
    await sleep(2000)
    await next.end()
  }
  const received = new Set((await server.report()).received)
  server.stop()
  rmSync(directory, { recursive: true, force: true })
  const names = [...answered]
  const delivered = names.filter(name => before.has(name)).length
  const spooled = names.filter(name => received.has(name)).length - delivered
  return {
    answered: names.length,
    delivered,
    spooled,
    counted,
    // A request that ended on the server, but of which the client saw no answer, may be counted as well.
    silent: Math.max(0, names.length - delivered - spooled - counted),
  }
}

async function client(port, prefix, answered) {
  for (let number = 0; ; number++) {
    const path = `/${prefix}-${number}`
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
    if ((await response?.text().catch(() => undefined)) !== 'ok') return
    answered.add(`GET ${path}`)
  }
}

async function startApplication(options) {
  const child = fork(join(import.meta.dirname, 'leaving-application.mjs'), [JSON.stringify(options)], {
    silent: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const exited = once(child, 'exit')
  const [{ port }] = await once(child, 'message')
  return {
    port,
    /** Resolves with the number of spans that the process counted as lost. */
    async end() {
      child.kill('SIGTERM')
      await exited
      const lost = [...output.matchAll(/([\d,]+) spans? lost so far/g)].at(-1)?.[1] ?? '0'
      return Number(lost.replaceAll(',', ''))
    },
  }
}
