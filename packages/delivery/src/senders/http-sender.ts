import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { type OptionSource, resolveTable } from '../basics/option-table.ts'
import { createRedactor, shownUrl } from '../basics/redact.ts'
import { createCompressor } from './compression.ts'
import { type HttpAnswer, resultOf } from './http-result.ts'
import type { Sender, SendResult } from './sender.ts'
import {
  HTTP_SENDER_OPTIONS,
  type HttpSenderOptions,
  type ResolvedHttpSenderOptions,
} from './sender-options.ts'

const KEPT_ANSWER_BYTES = 64 * 1024

/** Creates a sender of OTLP over HTTP in protobuf. Throws where the URL cannot be used. */
export function createHttpSender(options: HttpSenderOptions): Sender {
  const { url, timeoutMs, compression, headers, contentType, readAccepted, ...resolved } = resolveTable<
    HttpSenderOptions,
    ResolvedHttpSenderOptions,
    OptionSource
  >('', options, HTTP_SENDER_OPTIONS)
  const secure = url.protocol === 'https:'
  const agent =
    resolved.agent ?? (secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true }))
  const start = secure ? httpsRequest : httpRequest
  const compress = createCompressor(compression, url.hostname)
  const redact = createRedactor(Object.values(headers))
  const lateness = `no answer within ${timeoutMs} ms`
  // A request of ours must be neither a span nor carry a trace header.
  const untraced = suppressTracing(ROOT_CONTEXT)

  return {
    identity: resolved.identity ?? shownUrl(url),
    async send(body, { signal }) {
      const compressed = await compress(body)
      const result = await post(compressed ?? body, compressed !== undefined, signal)
      return result.reason === undefined ? result : { ...result, reason: redact(result.reason) }
    },
    close: () => agent.destroy(),
  }

  function post(
    body: Uint8Array,
    compressed: boolean,
    signal: AbortSignal,
    isRepeat = false,
  ): Promise<SendResult> {
    return new Promise(resolve => {
      const request = context.with(untraced, () =>
        start(url, { method: 'POST', agent, headers: headersOf(body, compressed), signal }),
      )
      let timedOut = false
      const timer = setTimeout(() => {
        timedOut = true
        request.destroy()
      }, timeoutMs)
      request.on('response', response => {
        response.on('error', fail)
        collect(response, answer => finish(resultOf(answer, readAccepted)))
      })
      request.on('error', error => {
        // A kept connection may close just as it is used again; a new one tells whether anyone is there.
        if (!isStale(request, error) || isRepeat || timedOut) fail(error)
        else finish(post(body, compressed, signal, true))
      })
      request.end(body)

      function fail(error: Error): void {
        finish({ outcome: 'unreachable', reason: timedOut ? lateness : describe(error), timedOut })
      }

      function finish(result: SendResult | Promise<SendResult>): void {
        clearTimeout(timer)
        resolve(result)
      }
    })
  }

  function headersOf(body: Uint8Array, compressed: boolean): Record<string, string | number> {
    return {
      ...headers,
      'content-type': contentType,
      'content-length': body.length,
      ...(compressed ? { 'content-encoding': 'gzip' } : {}),
    }
  }
}

function isStale(request: ClientRequest, error: NodeJS.ErrnoException): boolean {
  return request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

function describe(error: NodeJS.ErrnoException & { errors?: Error[] }): string {
  // What failed on every address of a name has no message of its own.
  return error.message || error.errors?.[0]?.message || error.code || error.name
}

function collect(response: IncomingMessage, done: (answer: HttpAnswer) => void): void {
  const chunks: Buffer[] = []
  let kept = 0
  response.on('data', (chunk: Buffer) => {
    if (kept < KEPT_ANSWER_BYTES) chunks.push(chunk)
    kept += chunk.length
  })
  response.on('end', () =>
    done({
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? '',
      headers: response.headers,
      body: Buffer.concat(chunks),
    }),
  )
}
