import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { propagateAttributes, startObservation } from '@langfuse/tracing'
import { initTracing, safeTrace, type Tracing, traceJob } from '@langfuse-middleware/core'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { trace as otelTrace } from '@opentelemetry/api'

let langfuse: Inspector
let tracing: Tracing

beforeEach(async () => {
  langfuse = await startInspector({ port: 0, settleMs: 0 })
})

afterEach(async () => {
  await tracing.shutdown()
  await langfuse.close()
})

function init(options: Parameters<typeof initTracing>[0] = {}) {
  tracing = initTracing({
    logger: { info() {}, warn() {}, error() {} },
    publicKey: 'pk-lf',
    secretKey: 'sk-lf',
    baseUrl: langfuse.url,
    shutdown: { signals: false },
    ...options,
  })
}

it('masks inputs, outputs and what arrives after the verdict', async () => {
  init({ mask: ({ data }) => String(data).replaceAll('4111', '****') })
  let late: ReturnType<typeof startObservation> | undefined
  await traceJob('job', () => {
    safeTrace('step', observation => observation.update({ input: 'card 4111', output: { card: '4111' } }))
    late = startObservation('late')
  })
  late?.update({ output: '4111 again' }).end()
  await tracing.flush()
  const trace = await langfuse.waitForTrace(one => one.observations.length === 3)
  expect(JSON.stringify(trace.observations.map(one => one.attributes))).not.toContain('4111')
  expect(trace.observations.find(one => one.name === 'step')?.output).toEqual({ card: '****' })
})

it('masks what other conventions call inputs and outputs, in attributes and events', async () => {
  init({ mask: ({ data }) => String(data).replaceAll('4111', '****') })
  await traceJob('job', () => {
    const span = otelTrace.getTracer('ai').startSpan('chat', {
      attributes: {
        'gen_ai.request.model': 'm-4111',
        'gen_ai.input.messages': '[{"role":"user","content":"card 4111"}]',
        'gen_ai.tool.call.arguments': '{"card":"4111"}',
        'ai.prompt.messages': '4111',
        'ai.response.text': '4111',
        'output.value': '4111',
        'llm.input_messages.0.message.content': '4111',
      },
    })
    span.addEvent('gen_ai.choice', { 'gen_ai.completion': '4111' }).end()
  })
  await tracing.flush()
  const { observations } = await langfuse.waitForTrace('job')
  const text = JSON.stringify(observations)
  expect(text).toContain('m-4111')
  expect(text.replaceAll('m-4111', '')).not.toContain('4111')
})

it('uploads media and leaves a reference in their place', async () => {
  init()
  const image = `data:image/png;base64,${Buffer.from('not really a picture').toString('base64')}`
  await traceJob('job', () => {
    safeTrace('look', observation => observation.update({ input: { image } }))
  })
  await tracing.flush()
  const trace = await langfuse.waitForTrace('job')
  const input = JSON.stringify(trace.observations.find(one => one.name === 'look')?.input)
  expect(input).toContain('@@@langfuseMedia:type=image/png')
  expect(input).not.toContain('base64,')
})

it('uploads media without the headers of the trace', async () => {
  init()
  const uploads: string[] = []
  const listen = (message: unknown) => {
    const { request } = message as { request: { path: string; headers: unknown } }
    if (request.path.includes('media')) uploads.push(String(request.headers).toLowerCase())
  }
  subscribe('undici:request:create', listen)
  const image = `data:image/png;base64,${Buffer.from('another picture').toString('base64')}`
  const request = createRequestTracer().start({ method: 'GET', url: '/', headers: {} })
  request.run(() => {
    safeTrace('look', observation => observation.update({ input: { image } }))
    request.end({ statusCode: 200, end: 'completed' })
  })
  await tracing.flush()
  await langfuse.waitForTrace('GET')
  unsubscribe('undici:request:create', listen)
  expect(uploads.length).toBeGreaterThan(0)
  expect(uploads.join()).not.toMatch(/traceparent|baggage|x-langfuse-trace-id/)
})

it('uploads files that the AI SDK has in its messages', async () => {
  init()
  const data = Buffer.from('not really a picture').toString('base64')
  const messages = [{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data }] }]
  await traceJob('job', () => {
    const attributes = { 'gen_ai.request.model': 'm', 'ai.prompt.messages': JSON.stringify(messages) }
    otelTrace.getTracer('ai').startSpan('chat', { attributes }).end()
  })
  await tracing.flush()
  const { observations } = await langfuse.waitForTrace('job')
  const text = JSON.stringify(observations)
  expect(text).toContain('@@@langfuseMedia:type=image/png')
  expect(text).not.toContain(data)
})

it('links prompts to the generations made under them', async () => {
  init()
  await traceJob('job', () => {
    propagateAttributes({ prompt: { name: 'greeting', version: 3, isFallback: false } }, () => {
      startObservation('generation', { model: 'm' }, { asType: 'generation' }).end()
    })
    startObservation('other', { model: 'm' }, { asType: 'generation' }).end()
  })
  await tracing.flush()
  const trace = await langfuse.waitForTrace('job')
  expect(trace.observations.find(one => one.name === 'generation')?.prompt).toEqual({
    name: 'greeting',
    version: 3,
  })
  expect(trace.observations.find(one => one.name === 'other')?.prompt).toBeUndefined()
})
