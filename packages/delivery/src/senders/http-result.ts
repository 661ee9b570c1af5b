import type { IncomingHttpHeaders } from 'node:http'
import { readPartialSuccess } from '../wire/partial-success.ts'
import type { SendOutcome, SendResult } from './sender.ts'

export interface HttpAnswer {
  status: number
  statusText: string
  headers: IncomingHttpHeaders
  body: Buffer
}

const SHOWN_CHARACTERS = 200

/** Says what an HTTP answer means for the request body. */
export function resultOf(
  answer: HttpAnswer,
  readAccepted: (answer: HttpAnswer) => SendResult = partialSuccess,
): SendResult {
  const outcome = outcomeOf(answer.status)
  if (outcome === 'accepted') return accepted(answer, readAccepted)
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], Date.now())
  const text = shown(answer.body.toString('utf8'))
  const reason = `${answer.status} ${answer.statusText}${text === '' ? '' : `: ${text}`}`
  return retryAfterMs === undefined ? { outcome, reason } : { outcome, reason, retryAfterMs }
}

function outcomeOf(status: number): SendOutcome {
  if (status >= 200 && status < 300) return 'accepted'
  if (status === 429) return 'throttled'
  if (status === 502 || status === 503 || status === 504) return 'unreachable'
  if (status === 413) return 'too_large'
  if (status === 400 || status === 422) return 'malformed'
  if (
    (status >= 300 && status < 400) ||
    status === 401 ||
    status === 403 ||
    status === 404 ||
    status === 407
  ) {
    return 'refused'
  }
  return 'failed'
}

/** Reads `Retry-After`, a number of seconds or a date, as milliseconds from now. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined || value.trim() === '') return undefined
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function accepted(answer: HttpAnswer, read: (answer: HttpAnswer) => SendResult): SendResult {
  try {
    return read(answer)
  } catch {
    // An answer that cannot be read is still a success.
    return { outcome: 'accepted' }
  }
}

function partialSuccess({ headers, body }: HttpAnswer): SendResult {
  const [rejected, reason] = headers['content-type']?.includes('json')
    ? fromJson(body)
    : readPartialSuccess(body)
  return rejected > 0
    ? { outcome: 'accepted', rejectedSpans: rejected, reason: shown(reason) }
    : { outcome: 'accepted' }
}

function fromJson(body: Buffer): [rejected: number, reason: string] {
  const { partialSuccess } = JSON.parse(body.toString('utf8')) ?? {}
  return [Number(partialSuccess?.rejectedSpans ?? 0), String(partialSuccess?.errorMessage ?? '')]
}

/** A text of the other side as a log line may have it. */
export function shown(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS)
}
