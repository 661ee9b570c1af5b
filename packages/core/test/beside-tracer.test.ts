import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startActiveObservation, startObservation } from '@langfuse/tracing'
import { currentRequest, safeTrace, traceJob } from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

// A tracer of the app's own, complete and started first, as Sentry or an OpenTelemetry SDK is.
const theirs = new InMemorySpanExporter()
const theirTracer = trace.getTracer('theirs')
let recorder: Recorder

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(theirs)] }),
  )
})

afterAll(() => {
  trace.disable()
  context.disable()
  propagation.disable()
})

beforeEach(() => {
  theirs.reset()
  recorder = recordTraces()
})

afterEach(() => recorder.close())

async function inTheirSpan<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  return theirTracer.startActiveSpan(name, async span => {
    try {
      return await work()
    } finally {
      span.end()
    }
  })
}

/** Name and parent's name of each of their spans. */
function theirTree(): [string, string | undefined][] {
  const spans = theirs.getFinishedSpans()
  const nameOf = (id: string | undefined) => spans.find(span => span.spanContext().spanId === id)?.name ?? id
  return spans.map(span => [span.name, nameOf(span.parentSpanContext?.spanId)])
}

it('each tracer keeps its own tree, however the spans alternate', async () => {
  await inTheirSpan('their request', () =>
    traceJob('ours', async () => {
      await inTheirSpan('their query', () => {
        startObservation('under their query').end()
      })
      await startActiveObservation('agent', async () => {
        await Promise.resolve()
        await safeTrace('step', async () => {
          await inTheirSpan('their call', () => {})
          startActiveObservation('tool', () => {
            startObservation('deepest').end()
          })
        })
      })
    }),
  )
  const [ours, ...others] = await recorder.traces()
  expect(others).toEqual([])
  const nameOf = (id: string | undefined) => ours?.observations.find(one => one.id === id)?.name
  expect(ours?.observations.map(one => [one.name, nameOf(one.parentId)])).toEqual([
    ['under their query', 'ours'],
    ['deepest', 'tool'],
    ['tool', 'step'],
    ['step', 'agent'],
    ['agent', 'ours'],
    ['ours', undefined],
  ])
  expect(theirTree()).toEqual([
    ['their query', 'their request'],
    ['their call', 'their request'],
    ['their request', undefined],
  ])
})

it('takes none of our spans into their tracer, and links our root to theirs', async () => {
  await inTheirSpan('their request', () => traceJob('ours', () => {}))
  expect(theirs.getFinishedSpans().map(span => span.name)).toEqual(['their request'])
  expect(await recorder.traces()).toHaveLength(1)
})

it('sends both traces along, each in its own headers', async () => {
  let seen: IncomingHttpHeaders = {}
  const server = createServer((request, response) => {
    seen = request.headers
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  let traceId: string | undefined
  await traceJob('ours', async () => {
    traceId = currentRequest()?.traceId
    await fetch(url, { headers: { traceparent, baggage: 'theirs=1' } })
  })
  server.closeAllConnections()
  server.close()
  expect(seen.traceparent).toBe(traceparent)
  expect(seen['x-langfuse-trace-id']).toBe(traceId)
  expect(seen.baggage).toContain('theirs=1')
  expect(seen.baggage).toContain(`langfuse_trace_id=${traceId}`)
})
