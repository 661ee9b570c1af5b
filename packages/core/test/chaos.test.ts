import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { decodeSpans } from '../../delivery/test/support/otlp-decoder.ts'

const CHAOS_MS = Number(process.env.CHAOS_MS ?? 40_000)
const MODES = ['ok', '503', 'ok', 'hang', '500', 'ok', 'reset', '429', 'html'] as const
type Mode = (typeof MODES)[number]

/** Langfuse, which fails as it is told to, and keeps the names of the spans that it acknowledged. */
async function startLangfuse() {
  const received = new Set<string>()
  const hanging = new Set<ServerResponse>()
  let mode: Mode = 'ok'
  const server = createServer(async (request, response) => {
    response.on('error', () => undefined)
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const raw = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      if (mode === 'hang') return void hanging.add(response)
      if (mode === 'reset') return void request.socket.resetAndDestroy()
      if (mode === 'html') return void response.writeHead(200, { 'content-type': 'text/html' }).end('Sign in')
      if (mode !== 'ok') return void response.writeHead(Number(mode), { 'retry-after': '0' }).end()
      for (const span of decodeSpans(body)) received.add(String(span.name))
      response.writeHead(200).end()
    } catch {
      // The worker was killed while it sent.
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    behave(next: Mode) {
      mode = next
      for (const response of hanging) response.destroy()
      hanging.clear()
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

it('loses no answered request without counting it: four workers on one spool, killed by turns, Langfuse failing by turns', async () => {
  const langfuse = await startLangfuse()
  const directory = mkdtempSync(join(tmpdir(), 'chaos-'))
  const answered = new Set<string>()
  let counted = 0
  let requests = 0
  cluster.setupPrimary({
    exec: join(__dirname, 'fixtures/chaos-worker.mjs'),
    execArgv: [],
    silent: true,
  })

  const places = await Promise.all(Array.from({ length: 4 }, () => startWorker()))
  const until = Date.now() + CHAOS_MS
  const failing = (async () => {
    for (let turn = 0; Date.now() < until; turn++) {
      langfuse.behave(MODES[turn % MODES.length]!)
      await sleep(1_500)
    }
    langfuse.behave('ok')
  })()
  for (let turn = 0; Date.now() < until; turn++) {
    await sleep(1_200)
    const place = turn % places.length
    await places[place]!.end(turn % 3 === 0 ? 'SIGKILL' : 'SIGTERM')
    places[place] = await startWorker()
  }
  await failing
  await Promise.all(places.map(place => place.end('SIGTERM')))

  // What is still on disk goes with the next process, which gets no requests.
  const last = await startWorker(0)
  const missing = () => [...answered].filter(name => !langfuse.received.has(name))
  for (let tries = 0; tries < 150 && missing().length > counted; tries++) await sleep(100)
  await last.end('SIGTERM')
  langfuse.close()
  rmSync(directory, { recursive: true, force: true })
  expect(answered.size).toBeGreaterThan(100)
  expect(missing().length).toBeLessThanOrEqual(counted)

  /** A worker under load. */
  async function startWorker(load = 2) {
    const worker: Worker = cluster.fork({ LANGFUSE_BASE_URL: langfuse.url, SPOOL: directory })
    let lost = 0
    for (const stream of [worker.process.stdout, worker.process.stderr]) {
      stream?.on('data', chunk => {
        for (const [, spans] of String(chunk).matchAll(/([\d,]+) spans? lost so far/g))
          lost = Math.max(lost, Number(spans!.replaceAll(',', '')))
      })
    }
    const exited = once(worker, 'exit').then(() => {
      counted += lost
    })
    const [{ port }] = (await once(worker, 'message')) as [{ port: number }]
    let isLoaded = true
    const clients = Array.from({ length: load }, client)
    return {
      async end(signal: 'SIGTERM' | 'SIGKILL') {
        if (signal === 'SIGKILL') {
          // A kill costs what was not yet on disk, so nothing may be on its way there.
          isLoaded = false
          await Promise.all(clients)
          worker.send('are you safe?')
          await once(worker, 'message')
        }
        worker.process.kill(signal)
        await exited
        isLoaded = false
        await Promise.all(clients)
      },
    }

    async function client(): Promise<void> {
      while (isLoaded) {
        requests += 1
        const path = `/request-${requests}`
        const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
        if ((await response?.text().catch(() => undefined)) === 'ok') answered.add(`GET ${path}`)
        else await sleep(20)
      }
    }
  }
}, 75_000)
