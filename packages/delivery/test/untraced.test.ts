import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startOtlpServer } from './support/otlp-server.ts'

it('sends without becoming a span or carrying trace headers, inside a traced and instrumented request', async () => {
  const server = await startOtlpServer()
  const fixture = join(__dirname, 'fixtures/untraced.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, [fixture, server.url])
  await server.close()

  const [ours, plain] = server.requests
  expect(ours!.spans).toEqual([1])
  expect(ours!.headers).not.toHaveProperty('traceparent')
  expect(ours!.headers).not.toHaveProperty('baggage')
  // The plain request shows that the instrumentation was at work.
  expect(plain!.headers).toMatchObject({ traceparent: expect.any(String), baggage: 'user=someone' })
  expect(JSON.parse(stdout)).toEqual(['handed in', 'POST'])
})
