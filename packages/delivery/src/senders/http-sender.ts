import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { type OptionSource, resolveTable } from '../basics/option-table.ts'
import { createRedactor, shownUrl } from '../basics/redact.ts'
import { createAgent } from './agent.ts'
import { createCompressor } from './compression.ts'
import { type HttpAnswer, resultOf } from './http-result.ts'
import type { Sender, SendResult } from './sender.ts'
import {
  HTTP_SENDER_OPTIONS,
  type HttpSenderOptions,
  type ResolvedHttpSenderOptions,
} from './sender-options.ts'

// A batch of scores is answered with a line for each.
const LONGEST_ANSWER_BYTES = 4 * 1024 * 1024
const KEPT_REFUSAL_BYTES = 64 * 1024

/** Creates a sender of OTLP over HTTP in protobuf. Throws if an option is invalid. */
export function createHttpSender(options: HttpSenderOptions): Sender {
  const { url, timeoutMs, compression, headers, contentType, ...resolved } = resolveTable<
    HttpSenderOptions,
    ResolvedHttpSenderOptions,
    OptionSource
  >('', options, HTTP_SENDER_OPTIONS)
  const secure = url.protocol === 'https:'
  const agent = resolved.agent ?? createAgent(secure)
  const start = secure ? httpsRequest : httpRequest
  const compress = createCompressor(compression, url.hostname)
  const redact = createRedactor([...Object.values(headers), ...resolved.secrets])
  const reading = { url: shownUrl(url), readAccepted: resolved.readAccepted, redact }
  // Our own requests must neither become spans nor carry trace headers.
  const untraced = suppressTracing(ROOT_CONTEXT)

  return {
    identity: resolved.identity ?? shownUrl(url),
    async send(body, { signal }) {
      const compressed = await compress(body)
      const attempt = () =>
        context.with(untraced, () =>
          start(url, {
            method: 'POST',
            agent,
            headers: headersOf(compressed ?? body, compressed !== undefined),
            signal,
          }),
        )
      const bytes = compressed ?? body
      const first = await post(attempt, bytes)
      // A kept-alive connection may close just as it is used again; a new connection tells whether the server is there.
      return first ?? (await post(attempt, bytes)) ?? { outcome: 'failed', reason: 'connection closed' }
    },
    close() {
      if (resolved.agent === undefined) agent.destroy()
    },
  }

  /** Makes one request. Resolves with `undefined` if a reused connection turned out to be closed. */
  function post(attempt: () => ClientRequest, body: Uint8Array): Promise<SendResult | undefined> {
    return new Promise(resolve => {
      const request = attempt()
      let connected = false
      const timer = setTimeout(() => {
        finish({ outcome: 'failed', reason: `no answer within ${timeoutMs} ms`, timedOut: true })
        request.destroy()
      }, timeoutMs)
      // Whoever waits for the answer keeps the process alive: a flush does, until its deadline.
      timer.unref()
      request.on('socket', socket => {
        socket.unref()
        connected = !socket.connecting
        if (connected) return
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          connected = true
        })
      })
      request.on('response', response => collect(response, answer => finish(resultOf(answer, reading)), fail))
      // Without a listener Node closes the socket of a 101 and says nothing.
      request.on('upgrade', (response, socket) => {
        socket.destroy()
        finish(resultOf({ ...headOf(response), body: Buffer.alloc(0) }, reading))
      })
      request.on('error', error => (isStale(request, error) ? finish(undefined) : fail(error)))
      request.on('close', () => fail(new Error('the connection was closed without an answer')))
      request.end(body)

      function fail(error: Error): void {
        // Before a connection stands, nothing of the body can have been the reason.
        finish({ outcome: connected ? 'failed' : 'unreachable', reason: redact(describe(error)) })
      }

      function finish(result: SendResult | undefined): void {
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
  // If every address of a host name failed, the error has no message of its own.
  return error.message || error.errors?.[0]?.message || error.code || error.name
}

function headOf(response: IncomingMessage): Omit<HttpAnswer, 'body'> {
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers: response.headers,
  }
}

function collect(
  response: IncomingMessage,
  done: (answer: HttpAnswer) => void,
  fail: (error: Error) => void,
): void {
  const head = headOf(response)
  const limit = head.status < 300 ? LONGEST_ANSWER_BYTES : KEPT_REFUSAL_BYTES
  const chunks: Buffer[] = []
  let kept = 0
  response.on('data', (chunk: Buffer) => {
    if (kept < limit) chunks.push(chunk)
    kept += chunk.length
  })
  response.on('error', fail)
  response.on('end', () => done({ ...head, body: Buffer.concat(chunks) }))
  // Emitted last, also if the answer ends in the middle.
  response.on('close', () => fail(new Error('the connection was closed in the middle of the answer')))
}
