import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js'
import { createGrpcSender, createRecordBuilder } from '../src/index.ts'
import { numberedSpans } from './support/numbered-spans.ts'
import { decodeSpans } from './support/otlp-decoder.ts'
import { numberOf } from './support/scripted-sender.ts'

type Reply = { body?: Buffer; code?: number; details?: string; trailers?: Metadata }

const identity = (bytes: Buffer): Buffer => bytes
const service: ServiceDefinition = {
  export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
}

let server: Server
let url: string
let reply: () => Reply | undefined
let calls: { spans: number[]; metadata: Record<string, unknown> }[]

beforeEach(async () => {
  calls = []
  reply = () => ({})
  server = new Server()
  const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    calls.push({ spans: decodeSpans(call.request).map(numberOf), metadata: call.metadata.getMap() })
    const answer = reply()
    if (answer === undefined) return
    if (answer.code === undefined) callback(null, answer.body ?? Buffer.alloc(0))
    else
      callback({
        code: answer.code,
        details: answer.details ?? '',
        ...(answer.trailers && { metadata: answer.trailers }),
      })
  }
  server.addService(service, { export: handle })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  url = `http://127.0.0.1:${port}`
})
afterEach(() => server.forceShutdown())

async function send(
  options: { timeoutMs?: number; headers?: Record<string, string> } = {},
  signal?: AbortSignal,
) {
  const builder = createRecordBuilder()
  for (const span of numberedSpans(1, 3)) builder.add(span)
  const sender = createGrpcSender({ url, ...options })
  const result = await sender.send(builder.seal()!.body, {
    signal: signal ?? new AbortController().signal,
    spans: 3,
  })
  await sender.close?.()
  return result
}

describe('gRPC', () => {
  it('takes spans with their headers to the trace service', async () => {
    await expect(send({ headers: { 'x-token': 'abc' } })).resolves.toEqual({ outcome: 'accepted' })
    expect(calls).toEqual([{ spans: [1, 2, 3], metadata: expect.objectContaining({ 'x-token': 'abc' }) }])
  })

  it('tells how many spans a success left out', async () => {
    reply = () => ({ body: Buffer.from([0x0a, 0x06, 0x08, 0x02, 0x12, 0x02, 0x6e, 0x6f]) })
    await expect(send()).resolves.toEqual({ outcome: 'accepted', rejectedSpans: 2, reason: 'no' })
  })

  it.each([
    ['UNAVAILABLE', 'failed'],
    ['ABORTED', 'failed'],
    ['OUT_OF_RANGE', 'failed'],
    ['UNAUTHENTICATED', 'refused'],
    ['PERMISSION_DENIED', 'refused'],
    ['UNIMPLEMENTED', 'refused'],
    ['INVALID_ARGUMENT', 'malformed'],
    ['INTERNAL', 'failed'],
    ['RESOURCE_EXHAUSTED', 'failed'],
  ] as const)('%s means %s', async (name, outcome) => {
    reply = () => ({ code: status[name], details: 'no: very-secret' })
    await expect(send({ headers: { token: 'very-secret' } })).resolves.toEqual({
      outcome,
      reason: `gRPC status ${status[name]}: no: [redacted]`,
    })
  })

  it.each([
    ['RESOURCE_EXHAUSTED', 'Received message larger than max (5 vs 4)'],
    ['RESOURCE_EXHAUSTED', 'grpc: received message after decompression larger than max 4194304'],
    ['OUT_OF_RANGE', 'message exceeds maximum size'],
  ] as const)('calls a body too large if it is answered with %s: %s', async (name, details) => {
    reply = () => ({ code: status[name], details })
    await expect(send()).resolves.toMatchObject({ outcome: 'too_large' })
  })

  it('puts the details into one short line', async () => {
    reply = () => ({ code: status.INTERNAL, details: `no\u001b[31m ${'x'.repeat(1000)}` })
    const { reason } = await send()
    expect(reason).toMatch(/^gRPC status 13: no \[31m x+$/)
    expect(reason!.length).toBeLessThan(260)
  })

  it('tells a body too large from too many requests', async () => {
    reply = () => ({ code: status.RESOURCE_EXHAUSTED, details: 'Received message larger than max (5 vs 4)' })
    await expect(send()).resolves.toMatchObject({ outcome: 'too_large' })
    const trailers = new Metadata()
    trailers.set('grpc-status-details-bin', retryInfo(30))
    reply = () => ({ code: status.RESOURCE_EXHAUSTED, trailers })
    await expect(send()).resolves.toMatchObject({ outcome: 'throttled', retryAfterMs: 30_000 })
  })

  it('gives up waiting, and when called off', async () => {
    reply = () => undefined
    await expect(send({ timeoutMs: 50 })).resolves.toMatchObject({ outcome: 'failed', timedOut: true })
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    await expect(send({}, controller.signal)).resolves.toMatchObject({ outcome: 'failed' })
  })

  it('is unreachable when nobody listens', async () => {
    server.forceShutdown()
    await expect(send({ timeoutMs: 2000 })).resolves.toMatchObject({ outcome: 'unreachable' })
  })

  it('throws at start-up for an unusable URL or header', () => {
    expect(() => createGrpcSender({ url: 'collector:4317' })).toThrow(/url must be an http or https URL/)
    expect(() => createGrpcSender({ url, headers: { 'x-key': 'secret\nvalue' } })).toThrow(
      'headers["x-key"] must have a name and a value that gRPC allows',
    )
  })
})

/** A google.rpc.Status with a RetryInfo of so many seconds. */
function retryInfo(seconds: number): Buffer {
  const field = (tag: number, content: Buffer) => Buffer.concat([Buffer.from([tag, content.length]), content])
  const info = field(0x0a, Buffer.from([0x08, seconds]))
  const type = field(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo'))
  return field(0x1a, Buffer.concat([type, field(0x12, info)]))
}
