import { encodeJson } from '../otlp/otlp-encode.ts'
import type { TraceParts } from '../store/trace-entry.ts'

/** A real Langfuse project that traces may be sent on to. */
export interface LangfuseProject {
  baseUrl: string
  publicKey: string
  secretKey: string
}

const timeoutMs = 20_000
const spansPerRequest = 500

/** Sends one trace and its scores; throws with what the server answered where it does not take them. */
export async function sendTrace(
  { ended, scores }: TraceParts,
  { baseUrl, publicKey, secretKey }: LangfuseProject,
): Promise<void> {
  const post = async (path: string, body: string): Promise<void> => {
    const response = await fetch(baseUrl.replace(/\/+$/, '') + path, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`,
        'x-langfuse-public-key': publicKey,
        // Without it the trace can take ten minutes to show up.
        'x-langfuse-ingestion-version': '4',
      },
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(`${baseUrl} answered ${response.status}: ${answer.slice(0, 300)}`)
  }
  for (let start = 0; start < ended.length; start += spansPerRequest) {
    await post('/api/public/otel/v1/traces', encodeJson(ended.slice(start, start + spansPerRequest)))
  }
  for (const score of scores) await post('/api/public/scores', JSON.stringify(score))
}
