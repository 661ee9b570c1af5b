import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { bytesOf, type Chunk } from './fake-provider.ts'

interface Recorded {
  readonly name: string
  readonly response: { readonly contentType: string; readonly chunks: readonly Chunk[] }
}

/** Which recorded exchange answers a path, whole and streamed, and the header in which the API wants its key. */
const APIS: readonly (readonly [path: RegExp, file: string, whole: string, streamed: string, key: string])[] =
  [
    [/\/chat\/completions$/, 'chat', 'plain', 'stream plain', 'authorization'],
    [/\/responses$/, 'responses', 'plain', 'stream', 'authorization'],
    [/\/embeddings$/, 'embeddings', 'batch base64', '', 'authorization'],
    [/\/v1\/messages$/, 'anthropic', 'plain', 'stream', 'x-api-key'],
    [/:generateContent$/, 'gemini', 'plain', '', 'x-goog-api-key'],
    [/:streamGenerateContent$/, 'gemini', 'stream sse', 'stream sse', 'x-goog-api-key'],
    [/\/api\/chat$/, 'ollama', 'chat not streamed', 'chat streams unless told not to', ''],
    [/\/v2\/chat$/, 'cohere', 'chat', 'chat stream', 'authorization'],
    [/\/converse$/, 'bedrock', 'converse', '', 'authorization'],
    [/\/converse-stream$/, 'bedrock', 'converse stream', 'converse stream', 'authorization'],
  ]

/** A server with the APIs of several providers, which refuses a request without a key or with a body that is no JSON. */
export async function startLlmApis(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const body: Buffer[] = []
    for await (const chunk of request) body.push(chunk)
    const path = (request.url ?? '').split('?')[0] ?? ''
    const api = APIS.find(([pattern]) => pattern.test(path))
    const fail = (status: number, message: string) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { message } }))
    if (api === undefined) return fail(404, `no such path: ${path}`)
    const [, file, whole, streamed, key] = api
    if (key !== '' && !request.headers[key] && !request.headers.authorization) return fail(401, `no ${key}`)
    const asked = JSON.parse(Buffer.concat(body).toString()) as { stream?: boolean }
    const isStream =
      streamed === whole || asked.stream === true || (file === 'ollama' && asked.stream !== false)
    const { contentType, chunks } = responseOf(file, isStream && streamed !== '' ? streamed : whole)
    response.writeHead(200, { 'content-type': contentType })
    for (const chunk of chunks) {
      response.write(bytesOf(chunk))
      await new Promise(resolve => setImmediate(resolve))
    }
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function responseOf(file: string, name: string): Recorded['response'] {
  const exchanges = JSON.parse(
    readFileSync(join(__dirname, '..', 'exchanges', `${file}.json`), 'utf8'),
  ) as Recorded[]
  const found = exchanges.find(exchange => exchange.name === name)
  if (found === undefined) throw new Error(`no exchange ${name} in ${file}.json`)
  return found.response
}
