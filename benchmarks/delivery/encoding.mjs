// Cost of encoding a span, and the longest stall of the event loop while a large backlog is encoded and sent.

import { readFileSync } from 'node:fs'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import { createHttpSender, createOutbox, createRecordBuilder } from '@langfuse-middleware/delivery'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { startServer } from './processes.mjs'

const memory = new InMemorySpanExporter()
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }).getTracer(
  'langfuse-sdk',
  '5.11.1',
)
const small = {
  'langfuse.observation.type': 'span',
  'langfuse.environment': 'production',
  'langfuse.trace.name': 'GET /users/:id',
  'user.id': 'user-1234',
  'session.id': 'session-5678',
  'langfuse.observation.metadata.status': '200',
}
const generation = {
  ...small,
  'langfuse.observation.type': 'generation',
  'langfuse.observation.input': 'What does the fox do? '.repeat(93),
  'langfuse.observation.output': 'The quick brown fox jumps over it. '.repeat(117),
}

/** Nanoseconds per span for each encoder. */
export function encodingCosts() {
  const builder = createRecordBuilder()
  const encoders = {
    'this encoder': spans => {
      for (const span of spans) {
        builder.add(span)
        if (builder.bytes > 64 * 1024) builder.seal()
      }
      builder.seal()
    },
    'stock protobuf': spans => ProtobufTraceSerializer.serializeRequest(spans),
    'stock JSON': spans => JsonTraceSerializer.serializeRequest(spans),
  }
  return Object.entries({ 'small span': small, '2 KB + 4 KB generation': generation }).flatMap(
    ([kind, attributes]) => {
      const spans = makeSpans(512, attributes)
      return Object.entries(encoders).map(([encoder, encode]) => ({
        kind,
        encoder,
        nanoseconds: median(() => encode(spans)) / 512,
      }))
    },
  )
}

/**
 * Longest stretch without a turn of the event loop, in ms, while `count` spans handed in at one stroke are delivered: the
 * median of several rounds, in time of the main thread on its processor where Linux tells, else in wall time.
 */
export async function longestStalls(count) {
  const server = await startServer()
  await server.set({ mode: 'discard' })
  const url = server.baseUrl
  const spans = makeSpans(count, generation)
  const stalls = []
  for (const compression of ['none', 'gzip']) {
    const exporter = `outbox, ${compression === 'gzip' ? 'gzip' : 'no compression'}`
    const outbox = createOutbox({ sender: createHttpSender({ url, compression }), maxBytes: 512 * 2 ** 20 })
    const ms = await longestStall(async () => {
      outbox.export(spans, () => {})
      await outbox.flush({ timeoutMs: 60_000 })
    })
    stalls.push({ exporter, ms })
    await outbox.close()
  }
  const processor = new LangfuseSpanProcessor({ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1', baseUrl: url })
  const ms = await longestStall(async () => {
    for (const span of spans) processor.onEnd(span)
    await processor.forceFlush()
  })
  stalls.push({ exporter: "the SDK's own", ms })
  await processor.shutdown()
  server.stop()
  return stalls
}

async function longestStall(work) {
  const rounds = []
  for (let round = 0; round < 7; round++) rounds.push(await stallOf(work))
  return rounds.sort((a, b) => a - b)[3]
}

async function stallOf(work) {
  let longest = 0
  let running = true
  let last = mainThreadMs()
  const turn = () => {
    const now = mainThreadMs()
    longest = Math.max(longest, now - last)
    last = now
    if (running) setImmediate(turn)
  }
  turn()
  await new Promise(setImmediate)
  longest = 0
  await work()
  running = false
  return longest
}

function mainThreadMs() {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0]) / 1e6
  } catch {
    return performance.now()
  }
}

function makeSpans(count, attributes) {
  memory.reset()
  for (let index = 0; index < count; index++) tracer.startSpan('GET /users/:id', { attributes }).end()
  return [...memory.getFinishedSpans()]
}

function median(run) {
  const times = []
  for (let round = 0; round < 60; round++) {
    const start = process.hrtime.bigint()
    run()
    times.push(Number(process.hrtime.bigint() - start))
  }
  return times.sort((a, b) => a - b)[30]
}
