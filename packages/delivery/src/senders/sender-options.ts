import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import {
  type Check,
  callback,
  httpHeaders,
  httpUrl,
  invalid,
  isRecord,
  listOf,
  milliseconds,
  oneOf,
  text,
  textRecord,
} from '../basics/checks.ts'
import { MiddlewareError } from '../basics/middleware-error.ts'
import type { OptionTable } from '../basics/option-table.ts'
import type { Compression } from './compression.ts'
import type { HttpAnswer } from './http-result.ts'
import type { SendResult } from './sender.ts'

export interface HttpSenderOptions {
  /** Where to send, with the path: `https://collector:4318/v1/traces`. */
  url: string | URL
  /** Headers of every request. The environment's `OTEL_EXPORTER_OTLP_*` are never read. @default none */
  headers?: Readonly<Record<string, string>> | undefined
  /** Longest time for a request with its answer, in milliseconds. @default 10000 */
  timeoutMs?: number | undefined
  /** @default 'auto' */
  compression?: Compression | undefined
  /** Names the destination across restarts, without secrets. @default the URL without user, password and query */
  identity?: string | undefined
  /**
   * Agent for all requests, for a proxy or a certificate of your own. It is not destroyed when the sender is closed.
   * @default a keep-alive agent; it uses the environment's proxy if Node does (`NODE_USE_ENV_PROXY=1`)
   */
  agent?: HttpAgent | HttpsAgent | undefined
  /** Content type of the bodies. @default 'application/x-protobuf' */
  contentType?: string | undefined
  /** Values that no log line may show, besides those of `headers`. @default none */
  secrets?: readonly string[] | undefined
  /**
   * Reads a 2xx answer; `undefined` or an error means that it is not an answer of the expected server.
   * @default as OTLP specifies: empty, JSON or protobuf, possibly with a number of rejected spans
   */
  readAccepted?: ((answer: HttpAnswer) => SendResult | undefined) | undefined
}

export interface GrpcSenderOptions {
  /** Where to send: `https://collector:4317`, or `http:` for a connection without TLS. */
  url: string | URL
  /** Metadata of every call. The environment's `OTEL_EXPORTER_OTLP_*` are never read. @default none */
  headers?: Readonly<Record<string, string>> | undefined
  /** Longest time for a call, in milliseconds. @default 10000 */
  timeoutMs?: number | undefined
  /** @default 'gzip' */
  compression?: 'gzip' | 'none' | undefined
  /** Names the destination across restarts, without secrets. @default the URL without user, password and path */
  identity?: string | undefined
}

type Headers = Readonly<Record<string, string>>

/** Options of the HTTP sender with their defaults. */
export interface ResolvedHttpSenderOptions {
  readonly url: URL
  readonly headers: Headers
  readonly timeoutMs: number
  readonly compression: Compression
  readonly identity: string | undefined
  readonly agent: HttpSenderOptions['agent']
  readonly contentType: string
  readonly secrets: readonly string[]
  readonly readAccepted: HttpSenderOptions['readAccepted']
}

/** Options of the gRPC sender with their defaults. */
export interface ResolvedGrpcSenderOptions {
  readonly url: URL
  readonly headers: Headers
  readonly timeoutMs: number
  readonly compression: 'gzip' | 'none'
  readonly identity: string | undefined
}

const timeoutMs = { check: milliseconds(1), default: 10_000 }
const identity = { check: text(), default: undefined }

/** Every option of the HTTP sender. */
export const HTTP_SENDER_OPTIONS: OptionTable<HttpSenderOptions, ResolvedHttpSenderOptions> = {
  url: { check: httpUrl },
  headers: { check: httpHeaders, default: {} },
  timeoutMs,
  compression: { check: oneOf<Compression>('auto', 'gzip', 'none'), default: 'auto' },
  identity,
  agent: {
    check: (path, value) =>
      isRecord(value)
        ? (value as unknown as NonNullable<HttpSenderOptions['agent']>)
        : invalid(path, 'an agent of node:http or node:https', value),
    default: undefined,
  },
  contentType: { check: text(), default: 'application/x-protobuf' },
  secrets: { check: listOf(text()), default: [] },
  readAccepted: { check: callback(), default: undefined },
}

/** Every option of the gRPC sender. */
export const GRPC_SENDER_OPTIONS: OptionTable<GrpcSenderOptions, ResolvedGrpcSenderOptions> = {
  url: { check: httpUrl },
  headers: { check: grpcMetadata, default: {} },
  timeoutMs,
  compression: { check: oneOf('gzip', 'none'), default: 'gzip' },
  identity,
}

/** How an OTLP backend is spoken to. */
export const otlpProtocol: Check<'http/protobuf' | 'grpc'> = oneOf('http/protobuf', 'grpc')

/** Headers that the protocol allows; their values are secrets, and are in no message. */
export function headersFor(protocol: 'http/protobuf' | 'grpc'): Check<Headers> {
  return protocol === 'grpc' ? grpcMetadata : httpHeaders
}

// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: Custom-Metadata
function grpcMetadata(path: string, value: unknown): Headers {
  const headers = textRecord(path, value)
  for (const [name, item] of Object.entries(headers)) {
    if (/^[0-9a-z_.-]+$/i.test(name) && /^[ -~]*$/.test(item)) continue
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      `${path}[${JSON.stringify(name)}] must have a name and a value that gRPC allows`,
    )
  }
  return headers
}
