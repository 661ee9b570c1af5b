import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Transform } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import zlib from 'node:zlib'

/** A piece of a response: text, bytes, or a text many times over. */
export type Chunk = string | { readonly base64: string } | { readonly repeat: readonly [string, number] }

export interface FakeResponse {
  readonly status?: number
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly encoding?: string
  /** The server closes the connection before the response, or in the middle of it. */
  readonly drop?: 'before' | 'after'
  readonly chunks: readonly Chunk[]
  /** Between two chunks. */
  readonly gapMs?: number
}

interface SeenRequest {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface FakeProvider {
  readonly url: string
  readonly seen: SeenRequest[]
  close(): Promise<void>
}

/** Serves a response on a free port, with its exact chunks; the last of several again and again. */
export async function serve(...responses: readonly FakeResponse[]): Promise<FakeProvider> {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const body: Buffer[] = []
    for await (const chunk of request) body.push(chunk)
    const current = responses[Math.min(seen.length, responses.length - 1)] as FakeResponse
    seen.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(body) })
    request.socket.setNoDelay(true)
    response.on('error', () => {})
    if (current.drop === 'before') return request.socket.destroy()
    await answer(response, current)
    if (current.drop !== undefined) request.socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

export function bytesOf(chunk: Chunk): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk)
  if ('base64' in chunk) return Buffer.from(chunk.base64, 'base64')
  return Buffer.from(chunk.repeat[0].repeat(chunk.repeat[1]))
}

async function answer(response: ServerResponse, fake: FakeResponse): Promise<void> {
  response.writeHead(fake.status ?? 200, {
    ...(fake.contentType !== undefined && { 'content-type': fake.contentType }),
    ...(fake.encoding !== undefined && { 'content-encoding': fake.encoding }),
    ...fake.headers,
  })
  const coder = coderOf(fake.encoding)
  coder?.pipe(response)
  const out = coder ?? response
  const isWhole = fake.chunks.length < 2 && fake.drop === undefined
  for (const chunk of fake.chunks) {
    if (response.destroyed) return
    out.write(bytesOf(chunk))
    if (!isWhole) await wait(fake.gapMs ?? 1)
  }
  if (fake.drop === undefined) out.end()
  else await wait(10)
}

function coderOf(encoding: string | undefined): Transform | undefined {
  if (encoding === 'gzip') return zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH })
  if (encoding === 'br') return zlib.createBrotliCompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH })
  if (encoding === 'deflate') return zlib.createDeflate({ flush: zlib.constants.Z_SYNC_FLUSH })
  if (encoding === 'zstd')
    return (zlib as unknown as { createZstdCompress(): Transform }).createZstdCompress()
  return undefined
}
