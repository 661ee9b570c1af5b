// An application that makes spans: told by its argument how many and how they leave. It keeps `sent`, `safe` and its peak
// memory in a file, so that they are known even if it is killed, and prints its last figures when it ends by itself.
import { openSync, writeSync } from 'node:fs'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import { createLangfuseSender, createOutbox } from '@langfuse-middleware/delivery'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'

const options = JSON.parse(process.argv[2])
const {
  prefix,
  baseUrl,
  exporter,
  spool,
  maxBytes,
  burst = 0,
  perSecond = 0,
  payloads = true,
  drainMs = 30_000,
} = options
const keys = { publicKey: 'pk-lf-benchmark', secretKey: 'sk-lf-benchmark' }
const logger = { info: say, warn: say, error: say }
const outbox =
  exporter === 'sdk'
    ? undefined
    : createOutbox({
        sender: createLangfuseSender({ ...keys, baseUrl }),
        spool,
        maxBytes,
        logger,
        flushTimeoutMs: drainMs,
      })
const processor = new LangfuseSpanProcessor({
  ...keys,
  baseUrl,
  ...(outbox === undefined ? {} : { exporter: outbox, exportMode: 'immediate' }),
})
const provider = new BasicTracerProvider({ spanProcessors: [processor] })
const tracer = provider.getTracer('langfuse-sdk', '5.11.1')
const question = 'What does the fox do, and why? '.repeat(66)
const reply = 'The quick brown fox jumps over the lazy dog. '.repeat(91)
const state = new Float64Array(3)
const file = openSync(options.stateFile, 'w')
let sent = 0
let ending = false

function makeSpan(attributes) {
  tracer.startSpan(`${prefix}-${sent}`, { attributes }).end()
  sent += 1
}

function handleRequest() {
  makeSpan({ 'langfuse.observation.type': 'span', 'user.id': 'user-1', 'session.id': 'session-1' })
  if (!payloads) return
  makeSpan({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.model.name': 'gpt-4o',
    'langfuse.observation.input': question + sent,
    'langfuse.observation.output': reply + sent,
  })
}

function record() {
  const stats = outbox?.stats()
  // Spans are written in order, so those still in memory are the last.
  state.set([sent, spool ? stats.accepted - stats.waiting : 0, Math.max(state[2], process.memoryUsage.rss())])
  writeSync(file, new Uint8Array(state.buffer), 0, state.byteLength, 0)
}

function say(message) {
  if (options.verbose) process.stderr.write(`${prefix}: ${message}\n`)
}

async function end() {
  if (ending) return
  ending = true
  clearInterval(load)
  const before = Date.now()
  await processor.forceFlush().catch(() => {})
  if (options.waitForDelivery) await outbox?.flush({ until: 'delivered', timeoutMs: drainMs })
  await provider.shutdown().catch(() => {})
  clearInterval(watch)
  record()
  process.send({
    ended: true,
    sent,
    dropped: outbox?.stats().dropped.total,
    spooled: outbox?.stats().spooled,
    endMs: Date.now() - before,
  })
  process.disconnect()
}

let owed = 0
let last = performance.now()
const load = setInterval(() => {
  const now = performance.now()
  owed += ((now - last) / 1000) * perSecond
  last = now
  for (; owed >= 1; owed--) handleRequest()
  record()
}, 10)
const watch = setInterval(record, 50)
process.on('SIGTERM', end)
process.on('message', message => message === 'end' && end())
process.send({ ready: true })
for (let count = 0; count < burst; count++)
  makeSpan({ 'langfuse.observation.type': 'span', 'user.id': 'user-1' })
if (burst > 0) end()
