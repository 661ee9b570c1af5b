import { createOtlpSender, createRecordBuilder } from '../src/index.ts'
import { numberedSpans } from './support/numbered-spans.ts'
import { startOtlpServer } from './support/otlp-server.ts'

describe('a sender by protocol', () => {
  it('sends over HTTP by default, to /v1/traces where the URL has no path', async () => {
    const server = await startOtlpServer()
    const paths: unknown[] = []
    server.behave = (_request, response) => {
      paths.push(response.req.url)
      response.end()
    }
    for (const url of [new URL(server.url).origin, `${new URL(server.url).origin}/own/path?x=1`]) {
      const builder = createRecordBuilder()
      for (const span of numberedSpans(1, 2)) builder.add(span)
      const sender = createOtlpSender({ url })
      await sender.send(builder.seal()!.body, { signal: new AbortController().signal, spans: 2 })
      await sender.close?.()
    }
    expect(paths).toEqual(['/v1/traces', '/own/path?x=1'])
    await server.close()
  })

  it('sends over gRPC where asked to', () => {
    const sender = createOtlpSender({ url: 'https://collector.test:4317', protocol: 'grpc' })
    expect(sender).toMatchObject({ identity: 'https://collector.test:4317', maxBodyBytes: 3.5 * 2 ** 20 })
    sender.close?.()
  })

  it('throws at start-up for an unknown protocol', () => {
    expect(() => createOtlpSender({ url: 'https://collector.test', protocol: 'http/json' as never })).toThrow(
      'protocol must be one of http/protobuf, grpc, got "http/json" (LANGFUSE_MIDDLEWARE_INVALID_OPTION)',
    )
  })
})
