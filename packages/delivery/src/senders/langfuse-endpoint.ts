import { version } from '../../package.json'
import { httpUrl, text } from '../basics/checks.ts'
import type { HttpSenderOptions } from './sender-options.ts'

export interface LangfuseSenderOptions
  extends Omit<HttpSenderOptions, 'url' | 'identity' | 'contentType' | 'readAccepted'> {
  publicKey: string
  secretKey: string
  /** Where Langfuse is. @default 'https://cloud.langfuse.com' */
  baseUrl?: string | undefined
  /** What to report as the SDK. @default the name and version of this package */
  sdk?: { name: string; version: string } | undefined
}

const INGESTION_VERSION = '4'

/** Address and headers of one of Langfuse's endpoints. Throws where a key is missing. */
export function langfuseEndpoint(options: LangfuseSenderOptions, path: string): HttpSenderOptions {
  const { publicKey, secretKey, baseUrl = 'https://cloud.langfuse.com', sdk, ...http } = options
  const key = text('a key of a Langfuse project')
  key('publicKey', publicKey)
  key('secretKey', secretKey)
  return {
    ...http,
    url: httpUrl('baseUrl', baseUrl).href.replace(/\/+$/, '') + path,
    headers: {
      ...http.headers,
      authorization: `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`,
      'x-langfuse-sdk-name': sdk?.name ?? 'langfuse-middleware',
      'x-langfuse-sdk-version': sdk?.version ?? version,
      'x-langfuse-public-key': publicKey,
      'x-langfuse-ingestion-version': INGESTION_VERSION,
    },
  }
}
