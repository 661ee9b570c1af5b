import { createGrpcSender } from './grpc-sender.ts'
import { createHttpSender } from './http-sender.ts'
import type { Sender } from './sender.ts'
import { type HttpSenderOptions, otlpProtocol } from './sender-options.ts'

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
  if (otlpProtocol('protocol', protocol) === 'grpc')
    return createGrpcSender({ ...options, compression: compression === 'none' ? 'none' : 'gzip' })
  return createHttpSender({ ...options, url: withPath(options.url), compression })
}

function withPath(value: string | URL): string | URL {
  if (!URL.canParse(String(value))) return value
  const url = new URL(String(value))
  if (url.pathname === '/') url.pathname = '/v1/traces'
  return url
}
