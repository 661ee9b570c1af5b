import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Otel } from '../basics/otel.ts'

/** A request to the inspector. */
interface InspectorRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Milliseconds until it is given up. */
  readonly timeoutMs: number
}

/** Sends a request to the inspector; resolves with the body of the answer. */
export type AskInspector = (url: string, request: InspectorRequest) => Promise<string>

/**
 * Creates the way to the inspector. Its requests are no spans and carry no trace header, for other tracers neither: by `node:http`, since
 * Sentry records every `fetch`, whether tracing is suppressed or not.
 */
export function createAskInspector({ api, core }: Otel): AskInspector {
  const untraced = core.suppressTracing(api.ROOT_CONTEXT)
  return (url, request) => api.context.with(untraced, ask, undefined, url, request)
}

function ask(url: string, { method, headers, body, timeoutMs }: InspectorRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const signal = AbortSignal.timeout(timeoutMs)
    const sent = send(url, { method: method ?? 'GET', headers: { ...headers }, signal }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve(text)).once('error', reject)
    })
    sent.once('error', reject).end(body)
  })
}
