import { createHttpSender } from './http-sender.ts'
import { type LangfuseSenderOptions, langfuseEndpoint } from './langfuse-endpoint.ts'
import type { Sender } from './sender.ts'

/** Creates the sender to Langfuse's OTLP endpoint. Throws where a key is missing or the URL cannot be used. */
export function createLangfuseSender(options: LangfuseSenderOptions): Sender {
  return createHttpSender({
    ...langfuseEndpoint(options, '/api/public/otel/v1/traces'),
    // A key belongs to one project, wherever that project moves; what was spooled for another must not end up in it.
    identity: `langfuse:${options.publicKey}`,
  })
}
