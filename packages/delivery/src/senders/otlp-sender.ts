import { invalidOption } from '../basics/start-up-error.ts'
import { createGrpcSender } from './grpc-sender.ts'
import { createHttpSender, type HttpSenderOptions } from './http-sender.ts'
import type { Sender } from './sender.ts'

export interface OtlpSenderOptions extends Omit<HttpSenderOptions, 'agent' | 'contentType' | 'readAccepted'> {
  /** @default 'http/protobuf' */
  protocol?: 'http/protobuf' | 'grpc' | undefined
}

/** Creates the sender to an OTLP backend; an HTTP URL without a path gets `/v1/traces`. Throws where it cannot be used. */
export function createOtlpSender({
  protocol = 'http/protobuf',
  compression,
  ...options
}: OtlpSenderOptions): Sender {
  if (protocol === 'grpc')
    return createGrpcSender({ ...options, compression: compression === 'none' ? 'none' : 'gzip' })
  if (protocol === 'http/protobuf')
    return createHttpSender({ ...options, url: withPath(options.url), compression })
  throw invalidOption('protocol', "'http/protobuf' or 'grpc'", protocol)
}

function withPath(value: string | URL): string | URL {
  if (!URL.canParse(String(value))) return value
  const url = new URL(String(value))
  if (url.pathname === '/') url.pathname = '/v1/traces'
  return url
}
