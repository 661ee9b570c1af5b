import { createStreamedText } from './streamed-text.ts'

/** The answer of the route, as a client saw it. */
export interface RouteResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The body as it was sent. */
  readonly text: string
  /** The body parsed as JSON, the assembled text of a stream of events, or `text`. */
  readonly output: unknown
  readonly durationMs: number
  /** Until the first text of a stream, or the first byte of any other body. */
  readonly timeToFirstTokenMs: number | undefined
}

/** Reads a response to its end. */
export async function readResponse(response: Response, startedAt: number): Promise<RouteResponse> {
  const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
  const streamed = isStream ? createStreamedText() : undefined
  const decoder = new TextDecoder()
  let text = ''
  let assembled = ''
  let timeToFirstTokenMs: number | undefined
  const take = (chunk: string) => {
    if (chunk === '') return
    text += chunk
    if (streamed !== undefined) assembled = streamed.push(chunk)
    if (streamed === undefined || assembled !== '') timeToFirstTokenMs ??= performance.now() - startedAt
  }
  if (response.body !== null) {
    for await (const chunk of response.body) take(decoder.decode(chunk as Uint8Array, { stream: true }))
    take(decoder.decode())
  }
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    output: streamed === undefined ? parsedBody(text) : assembled || text,
    durationMs: performance.now() - startedAt,
    timeToFirstTokenMs,
  }
}

function parsedBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
