import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startKafka, startRedis, whyNoJvm, whyNoRedis } from '../../scripts/engines/index.mjs'
import { startApp } from '../demo/app-process.mjs'
import { startFakeLangfuse } from './fake-langfuse.mjs'
import { startWorker } from './worker-process.mjs'

const KEYS = { publicKey: 'pk-lf-example', secretKey: 'sk-lf-example' }
const APPS = ['express-app', 'fastify-app']
const CONCURRENCY = 20
const FAILURES = 4
const DEADLINE_MS = 120_000

const ENGINES = {
  kafka: { name: 'Kafka', missing: whyNoJvm, start: startKafka, path: '/otlp_spans?partitions=6' },
  redis: { name: 'Redis', missing: whyNoRedis, start: startRedis, path: '' },
}

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '3000' }, engine: { type: 'string' } },
})
const requests = Number(values.requests)
if (!Number.isInteger(requests) || requests < 6)
  throw new Error(`--requests must be an integer of at least 6, got ${values.requests}`)

/** What is to be ended, in the order in which it was started. @type {(() => unknown)[]} */
const cleanup = []
const interrupted = new Promise((_, reject) => {
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => reject(new Error(`stopped by ${name}`)))
})
try {
  process.exitCode = await Promise.race([run(), interrupted])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  for (const end of cleanup.reverse()) await end()
}

/** Returns the exit status: 0 if each request that was answered is a trace in Langfuse. */
async function run() {
  const engine = await startEngine()
  if (engine === undefined) return 1
  const langfuse = await startFakeLangfuse(KEYS)
  cleanup.push(() => langfuse.close())
  const { PATH } = process.env
  const env = { PATH, LANGFUSE_QUEUE_URL: engine, LANGFUSE_PUBLIC_KEY: KEYS.publicKey }
  const secrets = { LANGFUSE_SECRET_KEY: KEYS.secretKey, LANGFUSE_BASE_URL: langfuse.url }
  const workers = [1, 2].map(() => startWorker({ ...env, ...secrets }))
  cleanup.push(...workers.map(worker => () => worker.stop()))
  const urls = []
  for (const name of APPS) {
    const app = await startApp('queue-at-scale', { script: `${name}.mjs`, port: 0, env })
    cleanup.push(() => app.stop())
    urls.push(app.url)
  }

  /** Trace ids of the requests that were answered. @type {Set<string>} */
  const answered = new Set()
  const third = Math.floor(requests / 3)
  await send(third, urls, answered)
  console.log(`${third} requests answered; Langfuse fails from now on`)
  langfuse.failing = true
  await send(third, urls, answered)
  await until(() => langfuse.failures >= FAILURES, workers)
  const waiting = answered.size - langfuse.traces.size
  console.log(`${2 * third} requests answered, ${waiting} traces not in Langfuse yet; it is back now`)
  langfuse.failing = false
  await send(requests - 2 * third, urls, answered)
  const isDelivered = () => [...answered].every(id => langfuse.traces.has(id))
  await until(isDelivered, workers).catch(error => console.error(error.message))
  // Workers deliver what they have read before they exit, so duplicates are counted to the last one.
  const lastLines = await Promise.all(workers.map(worker => worker.stop()))
  return report(answered, langfuse, lastLines)
}

/** Starts the engine asked for, or the first that can run here, and returns its address for `LANGFUSE_QUEUE_URL`. */
async function startEngine() {
  const { engine: wanted = Object.keys(ENGINES).join() } = values
  const candidates = Object.entries(ENGINES).filter(([key]) => wanted.split(',').includes(key))
  if (candidates.length === 0) throw new Error(`--engine must be kafka or redis, got ${wanted}`)
  for (const [, { name, missing, start, path }] of candidates) {
    const reason = missing()
    if (reason !== undefined) {
      console.error(`${name} cannot be started: ${reason}`)
      continue
    }
    console.log(`Starting ${name}; it is downloaded the first time`)
    const engine = await start()
    cleanup.push(() => engine.stop())
    return `${engine.url}${path}`
  }
  return undefined
}

/**
 * Sends requests to the apps in turn.
 * @param {number} count @param {string[]} urls @param {Set<string>} answered
 */
async function send(count, urls, answered) {
  let next = 0
  const client = async () => {
    while (next < count) {
      const number = next++
      const response = await fetch(`${urls[number % urls.length]}/questions/${number}`)
      await response.text()
      answered.add(response.headers.get('x-langfuse-trace-id') ?? `request ${number} without a trace`)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, client))
}

/** @param {() => boolean} isDone @param {{ lines: string[] }[]} workers */
async function until(isDone, workers) {
  const deadline = performance.now() + DEADLINE_MS
  while (!isDone()) {
    if (performance.now() > deadline)
      throw new Error(`waited too long:\n${workers.flatMap(({ lines }) => lines.slice(-20)).join('\n')}`)
    await delay(50)
  }
}

/**
 * @param {Set<string>} answered
 * @param {Awaited<ReturnType<typeof startFakeLangfuse>>} langfuse
 * @param {string[]} lastLines
 */
function report(answered, langfuse, lastLines) {
  const lost = [...answered].filter(id => !langfuse.traces.has(id)).length
  const unexpected = [...langfuse.traces].filter(id => !answered.has(id)).length
  const duplicates = [...langfuse.spans.values()].reduce((sum, times) => sum + times - 1, 0)
  const figures = {
    'requests answered': answered.size,
    'traces delivered': langfuse.traces.size,
    lost,
    'traces of no request': unexpected,
    'spans delivered again': duplicates,
    'requests that Langfuse failed': langfuse.failures,
  }
  for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(30)} ${figure}`)
  for (const [index, line] of lastLines.entries()) console.log(`worker ${index + 1}: ${line}`)
  return lost === 0 && unexpected === 0 && answered.size === requests ? 0 : 1
}
