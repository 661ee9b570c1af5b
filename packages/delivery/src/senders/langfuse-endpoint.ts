import { version } from '../../package.json'
import { httpUrl, invalid, text } from '../basics/checks.ts'
import type { HttpSenderOptions } from './sender-options.ts'

export interface LangfuseSenderOptions
  extends Omit<HttpSenderOptions, 'url' | 'identity' | 'contentType' | 'readAccepted' | 'secrets'> {
  publicKey: string
  secretKey: string
  /** Address of Langfuse; a path such as `/api/public/otel` at its end is ignored. @default 'https://cloud.langfuse.com' */
  baseUrl?: string | undefined
  /** Name and version to report as the SDK. @default those of this package */
  sdk?: { name: string; version: string } | undefined
}

const INGESTION_VERSION = '4'
// What people copy from Langfuse's OpenTelemetry guide.
const API_PATH = /\/+(api\/public(\/(otel(\/v1\/traces)?|ingestion))?\/*)?$/

/** Address of Langfuse without the path of one of its endpoints. */
export function langfuseBaseUrl(baseUrl: string): string {
  return baseUrl.replace(API_PATH, '')
}

/** Address and headers of one of Langfuse's endpoints. Throws if a key is missing, or if the keys are swapped. */
export function langfuseEndpoint(
  options: LangfuseSenderOptions,
  path: string,
): HttpSenderOptions & { headers: Record<string, string> } {
  const { publicKey, secretKey, baseUrl = 'https://cloud.langfuse.com', sdk, ...http } = options
  const key = text('a key of a Langfuse project')
  key('publicKey', publicKey)
  key('secretKey', secretKey)
  if (publicKey.startsWith('sk-lf-'))
    invalid('publicKey', 'the public key: publicKey and secretKey are swapped', publicKey)
  const credentials = Buffer.from(`${publicKey}:${secretKey}`).toString('base64')
  return {
    ...http,
    url: langfuseBaseUrl(httpUrl('baseUrl', baseUrl).href) + path,
    secrets: [credentials, ...(secretKey === publicKey ? [] : [secretKey])],
    headers: {
      ...http.headers,
      authorization: `Basic ${credentials}`,
      'x-langfuse-sdk-name': sdk?.name ?? 'langfuse-middleware',
      'x-langfuse-sdk-version': sdk?.version ?? version,
      'x-langfuse-public-key': publicKey,
      'x-langfuse-ingestion-version': INGESTION_VERSION,
    },
  }
}
