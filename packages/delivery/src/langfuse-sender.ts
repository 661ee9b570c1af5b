import { version } from '../package.json'
import { createHttpSender, type HttpSenderOptions } from './http-sender.ts'
import type { Sender } from './sender.ts'
import { invalidOption } from './start-up-error.ts'

export interface LangfuseSenderOptions extends Omit<HttpSenderOptions, 'url' | 'identity'> {
  publicKey: string
  secretKey: string
  /** Where Langfuse is. @default 'https://cloud.langfuse.com' */
  baseUrl?: string | undefined
  /** What to report as the SDK. @default the name and version of this package */
  sdk?: { name: string; version: string } | undefined
}

const INGESTION_VERSION = '4'

/** Creates the sender to Langfuse's OTLP endpoint. Throws where a key is missing or the URL cannot be used. */
export function createLangfuseSender(options: LangfuseSenderOptions): Sender {
  const { publicKey, secretKey, baseUrl = 'https://cloud.langfuse.com', sdk, ...http } = options
  for (const [name, key] of Object.entries({ publicKey, secretKey })) {
    if (!key) throw invalidOption(name, 'a key of a Langfuse project', key)
  }
  return createHttpSender({
    ...http,
    url: `${baseUrl.replace(/\/+$/, '')}/api/public/otel/v1/traces`,
    // A key belongs to one project, wherever that project moves; what was spooled for another must not end up in it.
    identity: `langfuse:${publicKey}`,
    headers: {
      ...http.headers,
      authorization: `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`,
      'x-langfuse-sdk-name': sdk?.name ?? 'langfuse-middleware',
      'x-langfuse-sdk-version': sdk?.version ?? version,
      'x-langfuse-public-key': publicKey,
      'x-langfuse-ingestion-version': INGESTION_VERSION,
    },
  })
}
