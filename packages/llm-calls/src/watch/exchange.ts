import { type Answer, type AnswerContent, createAnswer } from '../answer/answer.ts'
import type { CallRequest, Dialect } from '../dialects/dialect.ts'
import { holdsMedia, withDataUris } from '../dialects/media.ts'
import { providerAt } from '../dialects/providers.ts'
import { createResponseReader, type ResponseReader } from '../reading/response-reader.ts'
import { type ContentDecoder, createContentDecoder } from '../wire/content-decoder.ts'
import type { JsonObject } from '../wire/json.ts'
import { attemptKey, type FailedAttempts, isRepeatable } from './failed-attempts.ts'
import { type LlmCall, typeOf } from './llm-call.ts'
import type { End, OutgoingRequest, RequestObserver, ResponseHead } from './outgoing-request.ts'
import { createRequestBody, type UnreadReason } from './request-body.ts'
import { secretsOf, withoutSecrets } from './secrets.ts'

/** What an exchange tells. */
export interface ExchangeEvents<Context> {
  started(call: LlmCall<Context>, input: unknown): void
  firstToken(call: LlmCall<Context>): void
  ended(call: LlmCall<Context>, content: AnswerContent): void
  unread(reason: UnreadReason): void
}

export interface ExchangeOptions<Context> {
  readonly request: OutgoingRequest
  readonly context: Context
  /** The dialects that the path fits. */
  readonly dialects: readonly Dialect[]
  readonly maxBytes: number
  readonly failedAttempts: FailedAttempts
  /** Makes a function that never throws, for what decoders call back. */
  guard<Arguments extends unknown[]>(work: (...args: Arguments) => void): (...args: Arguments) => void
  readonly events: ExchangeEvents<Context>
}

type Changing<Type> = { -readonly [Name in keyof Type]: Type[Name] }

/** Observes one request whose path is that of an LLM. It is a call only if its body is one too. */
export function createExchange<Context>(options: ExchangeOptions<Context>): RequestObserver {
  const { request, events, maxBytes, failedAttempts, guard } = options
  const startedAt = Date.now()
  const pathname = request.path.split('?', 1)[0] ?? ''
  let body: ReturnType<typeof createRequestBody> | undefined = createRequestBody(maxBytes)
  let call: Changing<LlmCall<Context>> | undefined
  let dialect: Dialect | undefined
  let answer: Answer | undefined
  let key: string | undefined
  let reader: ResponseReader | undefined
  let decoder: ContentDecoder | undefined
  let chunkAt = startedAt
  let over = false
  // Kept for the key of a failed attempt, until the status is known.
  let requestBody: JsonObject | undefined

  function requestEnd(): void {
    if (body === undefined) return
    const headers = new Map([...request.headers()].map(([name, value]) => [name.toLowerCase(), value]))
    const read = body.read(headers.get('content-type') ?? '', headers.get('content-encoding') ?? '')
    body = undefined
    const found = read.body && recognise(read.body, options.dialects, pathname)
    if (read.unread !== undefined && (found !== undefined || read.body === undefined))
      events.unread(read.unread)
    if (found === undefined) return
    const { asked } = found
    dialect = found.dialect
    const provider = providerAt(request.host(), pathname, dialect.provider)
    const counted = Number(headers.get('x-stainless-retry-count') || 0)
    key = failedAttempts.any ? attemptKey(pathname, read.body) : undefined
    const before = key === undefined ? 0 : failedAttempts.take(key)
    answer = createAnswer(maxBytes, { plain: asked.plainOutput === true, model: asked.model })
    call = {
      context: options.context,
      type: typeOf(asked.operation),
      operation: asked.operation,
      dialect: dialect.name,
      provider,
      serverAddress: request.host(),
      serverPort: request.port(),
      requestModel: asked.model,
      parameters: asked.parameters,
      retries: Math.max(counted, before),
      startedAt,
      firstTokenAt: undefined,
      endedAt: undefined,
      statusCode: undefined,
      end: undefined,
      error: undefined,
      content: answer.content,
    }
    requestBody = read.body
    events.started(call, inputOf(asked))
  }

  function inputOf({ input }: CallRequest): unknown {
    return holdsMedia(input) ? withDataUris(input) : input
  }

  function responseHead({ statusCode, header }: ResponseHead): void {
    // A server may refuse a body before all of it was sent.
    requestEnd()
    if (call === undefined || answer === undefined || dialect === undefined || statusCode < 200) return
    call.statusCode = statusCode
    if (statusCode < 400) requestBody = undefined
    dialect.headers?.(header, answer)
    const contentType = header('content-type') ?? ''
    reader = createResponseReader({ dialect, answer, statusCode, contentType, maxBytes })
    decoder = createContentDecoder(header('content-encoding'), guard(take), () =>
      events.unread('unknown-encoding'),
    )
    if (decoder === undefined) events.unread('unknown-encoding')
  }

  function take(chunk: Uint8Array): void {
    if (call === undefined || reader === undefined || answer === undefined) return
    reader.push(chunk)
    if (call.firstTokenAt !== undefined || !answer.started || reader.isStream !== true) return
    call.firstTokenAt = chunkAt
    events.firstToken(call)
  }

  function end(how: End, error: unknown): void {
    if (over) return
    over = true
    if (body !== undefined && how !== 'completed' && body.isEmpty) events.unread('no-request-body')
    else requestEnd()
    if (call === undefined) return
    call.endedAt = Date.now()
    call.end = how
    if (decoder === undefined) finish(error)
    else decoder.end(guard(() => finish(error)))
  }

  function finish(error: unknown): void {
    if (call === undefined || answer === undefined) return
    reader?.end()
    const content = answer.content()
    // The app left once it had read the last token.
    if (call.end === 'client_aborted' && content.finishReason !== undefined) call.end = 'completed'
    if (decoder !== undefined && isUnknown()) events.unread('unknown-response')
    const message = answer.error ?? connectionError(call.end, error)
    if (message !== undefined) {
      call.error = withoutSecrets(message, secretsOf(request.headers(), request.path))
      if (requestBody !== undefined && isRepeatable(call.statusCode)) {
        failedAttempts.add(key ?? attemptKey(pathname, requestBody), call.retries + 1)
      }
    }
    requestBody = undefined
    events.ended(call, content)
  }

  /** Whether a complete answer said nothing that could be read. */
  function isUnknown(): boolean {
    if (call?.end !== 'completed' || call.statusCode === undefined || call.statusCode >= 400) return false
    const isMedia = call.operation === 'speech' || call.operation === 'transcription'
    return !isMedia && reader?.recognised === false && answer?.error === undefined
  }

  return {
    requestChunk: (chunk, encoding) => body?.push(chunk, encoding),
    requestEnd,
    responseHead,
    responseChunk(chunk) {
      chunkAt = Date.now()
      decoder?.push(chunk)
    },
    end,
  }
}

function recognise(
  body: JsonObject,
  dialects: readonly Dialect[],
  pathname: string,
): { dialect: Dialect; asked: CallRequest } | undefined {
  for (const dialect of dialects) {
    const asked = dialect.request(body, dialect.path.exec(pathname)?.groups ?? {})
    if (asked !== undefined) return { dialect, asked }
  }
  return undefined
}

/** The error of a call that ended without an answer of its provider; none if the app ended it. */
function connectionError(end: End | undefined, error: unknown): string | undefined {
  const message = (error as { message?: unknown } | undefined)?.message
  const detail = typeof message === 'string' && message !== '' ? `: ${message}` : ''
  if (end === 'timed_out') return `timed out${detail}`
  return end === 'connection_closed' ? `connection closed before the answer was complete${detail}` : undefined
}
