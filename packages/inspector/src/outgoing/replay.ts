import { createHash, randomBytes } from 'node:crypto'
import { RequestError } from '../basics/request-error.ts'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { createAnswerReader } from './answer-reader.ts'
import { keyHeaders, keyVariable } from './api-key.ts'

/** A line of what a replay tells as it goes on. */
export type ReplayEvent =
  | { status: number; headers: Record<string, string> }
  | { text: string }
  | {
      end: true
      durationMs: number
      firstTokenMs?: number
      model?: string
      usage?: Record<string, number>
      error?: string
      /** Where the try is kept. */
      traceId?: string
    }

/** A request to be sent again. */
export interface ReplayedRequest {
  method: string
  url: string
  headers: Record<string, string>
  body?: string
}

/** A generation to be made again. */
export interface ReplayedGeneration {
  url: string
  body: Record<string, unknown>
  /** The provider's key; absent, it is taken from this process's environment if the address is the provider's own. */
  key?: string
  of: { traceId: string; observationId: string }
}

const timeoutMs = 120_000
const maxAnswerLength = 2_000_000

/** Sends a request to the app, as it was or edited; yields its answer as it comes. */
export async function* replayRequest(request: ReplayedRequest): AsyncGenerator<ReplayEvent> {
  const startMs = performance.now()
  const { method, headers, body } = request
  try {
    const response = await fetch(httpUrl(request.url), {
      method,
      headers,
      ...(body !== undefined && method !== 'GET' && method !== 'HEAD' && { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    yield { status: response.status, headers: Object.fromEntries(response.headers) }
    for await (const text of textsOf(response)) yield { text }
    yield { end: true, durationMs: performance.now() - startMs }
  } catch (error) {
    yield { end: true, durationMs: performance.now() - startMs, error: reasonOf(error) }
  }
}

/** Makes a generation again; yields the answer's text as it comes, and hands the try over as spans to keep. */
export async function* replayGeneration(
  generation: ReplayedGeneration,
  env: NodeJS.ProcessEnv,
  keep: (spans: OtlpSpan[]) => void,
): AsyncGenerator<ReplayEvent> {
  const url = httpUrl(generation.url)
  const variable = keyVariable(url, env)
  const key = generation.key || (variable === undefined ? undefined : env[variable])
  const startedMs = Date.now()
  const startMs = performance.now()
  const reader = createAnswerReader()
  let firstTokenMs: number | undefined
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...keyHeaders(url, key) },
      body: JSON.stringify(generation.body),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    yield { status: response.status, headers: {} }
    for await (const piece of textsOf(response)) {
      const text = reader.take(piece)
      if (text === '') continue
      firstTokenMs ??= performance.now() - startMs
      yield { text }
    }
    const text = reader.end()
    if (text !== '') yield { text }
    if (!response.ok) reader.answer.error ??= `status ${response.status}`
  } catch (error) {
    reader.answer.error ??= reasonOf(error)
  }
  const durationMs = performance.now() - startMs
  const { model, usage, error, text } = reader.answer
  const spans = toSpans(generation, { startedMs, durationMs, firstTokenMs, text, model, usage, error })
  keep(spans)
  yield {
    end: true,
    durationMs,
    usage,
    traceId: spans[0]!.traceId,
    ...(firstTokenMs !== undefined && { firstTokenMs }),
    ...(model !== undefined && { model }),
    ...(error !== undefined && { error }),
  }
}

interface Try {
  startedMs: number
  durationMs: number
  firstTokenMs: number | undefined
  text: string
  model: string | undefined
  usage: Record<string, number>
  error: string | undefined
}

/** A try as an observation of the playground trace that all tries of one generation share. */
function toSpans({ body, url, of }: ReplayedGeneration, made: Try): OtlpSpan[] {
  const traceId = createHash('sha256')
    .update(`playground ${of.traceId} ${of.observationId}`)
    .digest('hex')
    .slice(0, 32)
  const rootId = traceId.slice(0, 16)
  const { model, messages, contents, input, stream, ...parameters } = body
  const common = {
    traceId,
    events: [],
    scope: 'langfuse-inspector',
    resource: { 'service.name': 'playground' },
    startTimeMs: made.startedMs,
    endTimeMs: made.startedMs + made.durationMs,
  }
  const link = { traceId: of.traceId, spanId: of.observationId, attributes: {} }
  const root: OtlpSpan = {
    ...common,
    spanId: rootId,
    parentSpanId: undefined,
    name: 'playground',
    attributes: { 'langfuse.trace.name': 'playground', 'langfuse.trace.tags': ['playground'] },
    links: [link],
    status: { code: 0, message: '' },
  }
  const firstTokenAt =
    made.firstTokenMs === undefined ? undefined : new Date(made.startedMs + made.firstTokenMs)
  const generation: OtlpSpan = {
    ...common,
    spanId: randomBytes(8).toString('hex'),
    parentSpanId: rootId,
    name: `try ${String(made.model ?? model ?? '')}`.trim(),
    attributes: {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': made.model ?? String(model ?? ''),
      'langfuse.observation.model.parameters': JSON.stringify(parameters),
      'langfuse.observation.input': JSON.stringify(messages ?? contents ?? input ?? body),
      'langfuse.observation.output': made.text,
      'langfuse.observation.usage_details': JSON.stringify(made.usage),
      'langfuse.observation.metadata.url': withoutSecrets(url),
      ...(firstTokenAt && { 'langfuse.observation.completion_start_time': firstTokenAt.toISOString() }),
      ...(made.error !== undefined && {
        'langfuse.observation.level': 'ERROR',
        'langfuse.observation.status_message': made.error,
      }),
    },
    links: [link],
    status: { code: made.error === undefined ? 0 : 2, message: '' },
  }
  return [root, generation]
}

async function* textsOf(response: Response): AsyncGenerator<string> {
  if (!response.body) return
  const decoder = new TextDecoder()
  let length = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    const text = decoder.decode(chunk, { stream: true })
    length += text.length
    if (length > maxAnswerLength) throw new Error(`the answer is longer than ${maxAnswerLength} characters`)
    yield text
  }
}

function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new RequestError(400, `the address must be an http or https URL, got ${JSON.stringify(text)}`)
  }
  return url
}

/** Keys in an address are never stored. */
function withoutSecrets(text: string): string {
  const { origin, pathname } = new URL(text)
  return origin + pathname
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
