// CPU per span, throughput and memory of sender and worker on each engine: node benchmarks/queue/run.mjs [--spans 1000000] [--only redis]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createRecordBuilder } from '@langfuse-middleware/delivery'
import { createWorker, queueFromUrl } from '@langfuse-middleware/queue'
import { startElasticMq, startKafka, startRedis, whyNoJvm, whyNoRedis } from '../../scripts/engines/index.mjs'

const { values } = parseArgs({
  options: { spans: { type: 'string', default: '1000000' }, only: { type: 'string' } },
})
const SPANS = Number(values.spans)
const SPANS_PER_BODY = 200
const SPANS_PER_TRACE = 4
const INPUT = 'The quick brown fox jumps over the lazy dog. '.repeat(45)
const QUIET = { info() {}, warn() {}, error: console.error }

const ENGINES = {
  kafka: { missing: whyNoJvm, start: () => startKafka(), parameters: '/otlp_spans?partitions=6' },
  sqs: {
    missing: whyNoJvm,
    start: () => startElasticMq({ queues: ['langfuse', 'langfuse-scores', 'langfuse-dead-letters'] }),
    parameters: '',
  },
  redis: { missing: whyNoRedis, start: () => startRedis(), parameters: '' },
}
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' })

const sink = fork(new URL('sink.mjs', import.meta.url), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
const [port] = await once(createInterface({ input: sink.stdout }), 'line')
console.log(`${SPANS.toLocaleString('en-US')} spans of 2 KB, Node ${process.versions.node}\n`)
console.log(
  '| engine | app µs CPU per span | worker µs CPU per span | app spans/s | worker spans/s | highest memory MB |',
)
console.log('|---|---|---|---|---|---|')
for (const [name, engine] of Object.entries(ENGINES)) {
  if (values.only !== undefined && values.only !== name) continue
  const missing = engine.missing()
  if (missing === undefined) await measure(name, engine)
  else console.log(`| ${name} | skipped: ${missing} |`)
}
sink.disconnect()

async function measure(name, { start, parameters }) {
  const server = await start()
  const queue = queueFromUrl(server.url + parameters)
  const sender = queue.spans({ publicKey: 'pk-lf-1' })
  let highest = 0
  const memory = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss())
  }, 50)
  const bodies = Array.from({ length: 20 }, (_, index) => bodyOf(index))
  await sendAll(sender, bodies, 10)
  const sent = await timed(() => sendAll(sender, bodies, SPANS / SPANS_PER_BODY))
  const worker = createWorker({
    queue,
    projects: [{ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1', baseUrl: `http://127.0.0.1:${port}` }],
    monitoring: false,
    logger: QUIET,
  })
  await worker.start()
  const delivered = () => worker.stats().projects.Langfuse.spans.delivered
  while (delivered() === 0) await new Promise(resolve => setTimeout(resolve, 5))
  const worked = await timed(async () => {
    while (delivered() < SPANS) await new Promise(resolve => setTimeout(resolve, 20))
  })
  clearInterval(memory)
  await worker.stop()
  await sender.close?.()
  await server.stop()
  const perSpan = ({ cpuMs }) => ((cpuMs * 1000) / SPANS).toFixed(1)
  const rate = ({ ms }) => Math.round((SPANS * 1000) / ms).toLocaleString('en-US')
  console.log(
    `| ${name} | ${perSpan(sent)} | ${perSpan(worked)} | ${rate(sent)} | ${rate(worked)} | ${Math.round(highest / 2 ** 20)} |`,
  )
}

/** As an outbox does: four requests at once. */
async function sendAll(sender, bodies, count) {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const body = bodies[next++ % bodies.length]
      for (;;) {
        const result = await sender.send(body, {
          signal: new AbortController().signal,
          spans: SPANS_PER_BODY,
        })
        if (result.outcome === 'accepted') break
        if (result.outcome !== 'unreachable') throw new Error(JSON.stringify(result))
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, lane))
}

async function timed(work) {
  const [cpu, at] = [process.cpuUsage(), performance.now()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { cpuMs: (user + system) / 1000, ms: performance.now() - at }
}

function bodyOf(body) {
  const builder = createRecordBuilder()
  for (let index = 0; index < SPANS_PER_BODY; index++) {
    const number = body * SPANS_PER_BODY + index + 1
    const trace = Math.floor(number / SPANS_PER_TRACE)
    const context = {
      traceId: trace.toString(16).padStart(32, 'a'),
      spanId: number.toString(16).padStart(16, '0'),
      traceFlags: 1,
    }
    builder.add({
      name: 'answer',
      kind: 0,
      spanContext: () => context,
      startTime: [1_790_000_000, 0],
      endTime: [1_790_000_001, 0],
      duration: [1, 0],
      ended: true,
      status: { code: 0 },
      attributes: { 'langfuse.observation.input': INPUT, 'langfuse.observation.type': 'generation' },
      links: [],
      events: [],
      resource: { attributes: { 'service.name': 'chat' } },
      instrumentationScope: { name: 'langfuse-sdk', version: '5.11.1' },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    })
  }
  return builder.seal().body
}
