import type { IncomingHttpHeaders } from 'node:http'
import { readPartialSuccess } from '../wire/partial-success.ts'
import type { SendOutcome, SendResult } from './sender.ts'

export interface HttpAnswer {
  status: number
  statusText: string
  headers: IncomingHttpHeaders
  body: Buffer
}

/** What decides the meaning of an answer besides the answer itself. */
export interface HttpResultOptions {
  /** The URL that was posted to, as log lines may show it. */
  url: string
  /** Reads a 2xx answer. @default readOtlpAnswer */
  readAccepted?: ((answer: HttpAnswer) => SendResult | undefined) | undefined
  /** Removes secrets from a text. Applied before the text is shortened, so that no part of a secret remains. */
  redact: (text: string) => string
}

const SHOWN_CHARACTERS = 200

const OUTCOMES: Readonly<Record<number, SendOutcome>> = {
  400: 'malformed',
  408: 'failed',
  413: 'too_large',
  422: 'malformed',
  425: 'failed',
  429: 'throttled',
  501: 'refused',
  505: 'refused',
  511: 'refused',
}

/** Maps an HTTP answer to the outcome of an attempt. */
export function resultOf(answer: HttpAnswer, options: HttpResultOptions): SendResult {
  const { url, redact, readAccepted = readOtlpAnswer } = options
  const outcome = outcomeOf(answer.status)
  const text = shown(answer.body.toString('utf8'), redact)
  const status = `${answer.status} ${answer.statusText}`.trim()
  if (outcome === 'accepted') {
    const result = tryToRead(answer, readAccepted)
    if (result?.reason !== undefined) return { ...result, reason: shown(result.reason, redact) }
    if (result !== undefined) return result
    const type = answer.headers['content-type'] ?? 'no content type'
    return {
      outcome: 'refused',
      reason: shown(`${status} with ${type} from ${url} is not an answer of Langfuse or OTLP`, redact),
    }
  }
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], Date.now())
  const location = answer.status >= 300 && answer.status < 400 ? answer.headers.location : undefined
  const target = location === undefined ? '' : ` to ${redact(withoutUserInfo(location, url))}`
  const posted = answer.status === 404 || location !== undefined ? ` for ${url}` : ''
  const reason = `${status}${posted}${target}${text === '' ? '' : `: ${text}`}`
  return retryAfterMs === undefined ? { outcome, reason } : { outcome, reason, retryAfterMs }
}

function outcomeOf(status: number): SendOutcome {
  if (status >= 200 && status < 300) return 'accepted'
  // Every other 4xx is about the address, the keys or the headers, and none about a span.
  return OUTCOMES[status] ?? (status >= 500 ? 'failed' : 'refused')
}

function withoutUserInfo(location: string, base: string): string {
  if (!URL.canParse(location, base)) return shown(location)
  const { origin, pathname } = new URL(location, base)
  return `${origin}${pathname}`
}

/** Reads `Retry-After`, a number of seconds or a date, as milliseconds from now. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined || value.trim() === '') return undefined
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function tryToRead(
  answer: HttpAnswer,
  read: (answer: HttpAnswer) => SendResult | undefined,
): SendResult | undefined {
  try {
    return read(answer)
  } catch {
    return undefined
  }
}

/**
 * Reads the answer to an OTLP export: empty, JSON or protobuf. Throws or returns `undefined` for anything else, such as a login page.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
function readOtlpAnswer({ headers, body }: HttpAnswer): SendResult | undefined {
  if (body.length === 0) return { outcome: 'accepted' }
  const type = headers['content-type'] ?? 'application/x-protobuf'
  if (type.includes('json')) return partialSuccess(...fromJson(body))
  if (type.includes('protobuf') || type.includes('octet-stream'))
    return partialSuccess(...readPartialSuccess(body))
  return undefined
}

function partialSuccess(rejected: number, reason: string): SendResult {
  return rejected > 0 ? { outcome: 'accepted', rejectedSpans: rejected, reason } : { outcome: 'accepted' }
}

function fromJson(body: Buffer): [rejected: number, reason: string] {
  const answer = JSON.parse(body.toString('utf8'))
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    throw new TypeError('not a JSON object')
  const { partialSuccess } = answer
  return [Number(partialSuccess?.rejectedSpans ?? 0), String(partialSuccess?.errorMessage ?? '')]
}

/** A text of the other side as one short line, with secrets removed before it is shortened. */
export function shown(text: string, redact: (text: string) => string = unchanged => unchanged): string {
  return redact(text.replace(/[\p{Cc}\s]+/gu, ' ').trim()).slice(0, SHOWN_CHARACTERS)
}
