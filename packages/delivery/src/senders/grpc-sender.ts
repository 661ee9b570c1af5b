import type { Client, Metadata, ServiceError } from '@grpc/grpc-js'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { MiddlewareError } from '../basics/middleware-error.ts'
import { type OptionSource, resolveTable } from '../basics/option-table.ts'
import { createRedactor } from '../basics/redact.ts'
import { readPartialSuccess } from '../wire/partial-success.ts'
import { resultOfGrpc } from './grpc-status.ts'
import { shown } from './http-result.ts'
import type { Sender, SendResult } from './sender.ts'
import {
  GRPC_SENDER_OPTIONS,
  type GrpcSenderOptions,
  type ResolvedGrpcSenderOptions,
} from './sender-options.ts'

type Grpc = typeof import('@grpc/grpc-js')

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
// Receivers take 4 MiB unless told otherwise.
const MAX_BODY_BYTES = 3.5 * 1024 * 1024
const GZIP = 2

/** Creates a sender of OTLP over gRPC. Throws where the URL cannot be used or `@grpc/grpc-js` is not installed. */
export function createGrpcSender(options: GrpcSenderOptions): Sender {
  const { url, timeoutMs, compression, headers, identity } = resolveTable<
    GrpcSenderOptions,
    ResolvedGrpcSenderOptions,
    OptionSource
  >('', options, GRPC_SENDER_OPTIONS)
  const grpc = loadGrpc()
  const redact = createRedactor(Object.values(headers))
  const metadata = metadataOf(grpc, headers)
  // A call of ours must be neither a span nor carry a trace header.
  const untraced = suppressTracing(ROOT_CONTEXT)
  const address = url.port === '' ? `${url.hostname}:${url.protocol === 'https:' ? 443 : 80}` : url.host
  const credentials =
    url.protocol === 'https:' ? grpc.credentials.createSsl() : grpc.credentials.createInsecure()
  const client: Client = new grpc.Client(address, credentials, {
    ...(compression === 'gzip' ? { 'grpc.default_compression_algorithm': GZIP } : {}),
  })

  return {
    identity: identity ?? url.origin,
    maxBodyBytes: MAX_BODY_BYTES,
    send: (body, { signal }) =>
      new Promise(resolve => {
        const call = context.with(untraced, () =>
          client.makeUnaryRequest(
            METHOD,
            (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
            (bytes: Buffer) => bytes,
            body,
            metadata,
            { deadline: Date.now() + timeoutMs },
            (error, response) => {
              signal.removeEventListener('abort', cancel)
              resolve(error ? failed(error) : accepted(response))
            },
          ),
        )
        signal.addEventListener('abort', cancel)

        function cancel(): void {
          call.cancel()
        }
      }),
    close: () => client.close(),
  }

  function failed({ code, details, metadata: trailers }: ServiceError): SendResult {
    const [statusDetails] = trailers?.get('grpc-status-details-bin') ?? []
    return resultOfGrpc({
      code,
      details: shown(details, redact),
      statusDetails: statusDetails as Buffer | undefined,
    })
  }
}

function accepted(response: Buffer | undefined): SendResult {
  try {
    const [rejectedSpans, reason] = readPartialSuccess(response ?? Buffer.alloc(0))
    if (rejectedSpans > 0) return { outcome: 'accepted', rejectedSpans, reason: shown(reason) }
  } catch {
    // An answer that cannot be read is still a success.
  }
  return { outcome: 'accepted' }
}

function metadataOf(grpc: Grpc, headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new grpc.Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return metadata
}

/** Only who sends by gRPC needs the package, and is told at start-up if it is not there. */
function loadGrpc(): Grpc {
  try {
    return require('@grpc/grpc-js')
  } catch (error) {
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE',
      "protocol 'grpc' needs the package @grpc/grpc-js: npm install @grpc/grpc-js",
      { cause: error },
    )
  }
}
