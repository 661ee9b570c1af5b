import type { IncomingHttpHeaders } from 'node:http'
import {
  atLeast,
  between,
  callback,
  invalid,
  milliseconds,
  type OptionSource,
  type OptionTable,
  resolveTable,
} from '@langfuse-middleware/delivery/options'
import { createLog } from '../basics/logger.ts'
import { ANY_STRING, ANY_VALUE, callOption } from '../basics/option-callback.ts'
import type { Score } from '../context/score.ts'
import { isTraceId, scoreId, toScoreEvent } from '../delivery/score-event.ts'
import { runningTracing } from '../start/tracing.ts'
import { scoreTrace } from './score-trace.ts'

/** What a route takes that users send their judgement to: `{ traceId, name, value, comment }`. */
export interface FeedbackOptions {
  /** The names of scores that users may give; any other is refused. */
  names: readonly string[]
  /** Longest comment, in characters. @default 2000 */
  maxCommentLength?: number
  /** How much a client may send, or `false` for as much as it likes. @default 30 requests in 60000 ms */
  rateLimit?: false | { max?: number; windowMs?: number }
  /**
   * The id of the score: the same id again takes the place of the earlier one, and a new id is a score more.
   * @default one for each trace and name, so that a second click counts once and a change of mind counts
   */
  id?: (feedback: Feedback) => string
}

/** What a user sent, checked. */
export interface Feedback {
  readonly traceId: string
  readonly name: string
  readonly value: number | string | boolean
  readonly comment?: string | undefined
}

/** How a request with feedback is answered. */
export interface FeedbackAnswer {
  readonly status: 202 | 400
  readonly body: { readonly id: string } | { readonly error: string }
}

/** Takes feedback for an adapter's route. */
export interface FeedbackReceiver {
  readonly rateLimit: { readonly max: number; readonly windowMs: number }
  /** False if the option `rateLimit` is false. */
  readonly isLimited: boolean
  /** Warns that `name`, the framework's rate limiter, could not be loaded. */
  unlimited(name: string, error: unknown): void
  /** Warns once if a request came through a proxy that the app does not trust: all its clients then share one limit. */
  checkProxy(headers: IncomingHttpHeaders, isTrusted: boolean, remedy: string): void
  /** Checks what untrusted clients sent and passes on what is valid. Never throws. */
  receive(body: unknown): FeedbackAnswer
}

interface RateLimit {
  readonly max: number
  readonly windowMs: number
}

interface FeedbackConfig {
  readonly names: ReadonlySet<string>
  readonly maxCommentLength: number
  readonly rateLimit: RateLimit | false
  readonly id: (feedback: Feedback) => string
}

const RATE_LIMIT_OPTIONS: OptionTable<RateLimit> = {
  max: { check: atLeast(1, { infinite: true }), default: 30 },
  windowMs: { check: milliseconds(1), default: 60_000 },
}

const rateLimitOf = (path: string, value: unknown): RateLimit =>
  resolveTable<RateLimit, RateLimit, OptionSource>(path, value, RATE_LIMIT_OPTIONS)

const FEEDBACK_OPTIONS: OptionTable<FeedbackOptions, FeedbackConfig> = {
  names: { check: namesOf },
  maxCommentLength: { check: between(0, 5_000), default: 2_000 },
  rateLimit: {
    check: (path, value) => value !== false && rateLimitOf(path, value),
    derive: () => rateLimitOf('rateLimit', {}),
  },
  id: {
    check: callback<FeedbackConfig['id']>(),
    default: ({ traceId, name }) => `${traceId}-${name}`,
  },
}

/** Checks `options`. @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION, LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION */
export function createFeedbackReceiver(options: FeedbackOptions): FeedbackReceiver {
  const { names, maxCommentLength, rateLimit, id } = resolveTable<
    FeedbackOptions,
    FeedbackConfig,
    OptionSource
  >('feedbackRoute', options, FEEDBACK_OPTIONS)
  const untracedLog = createLog(console)
  const log = () => runningTracing()?.log ?? untracedLog

  return {
    rateLimit: rateLimit || rateLimitOf('rateLimit', {}),
    isLimited: rateLimit !== false,
    unlimited(name, error) {
      const missing = (error as { code?: unknown }).code === 'MODULE_NOT_FOUND'
      const reason = missing ? `${name} is not installed` : `${name} cannot be loaded (${String(error)})`
      log().warnOnce(
        'feedback limiter',
        `feedbackRoute() is not rate-limited: ${reason}. npm install ${name}, or set rateLimit: false`,
      )
    },
    checkProxy(headers, isTrusted, remedy) {
      if (isTrusted || (headers['x-forwarded-for'] ?? headers.forwarded) === undefined) return
      log().warnOnce(
        'feedback proxy',
        `feedbackRoute() limits all clients behind the proxy together, because the app does not trust it: ${remedy}`,
      )
    },
    receive(body) {
      if (body === undefined) {
        log().warnOnce(
          'feedback body',
          'feedbackRoute() got a request without a body; is a JSON parser before it?',
        )
      }
      try {
        const feedback = read(body)
        const score: Score = { ...feedback, id: idOf(feedback) }
        toScoreEvent(feedback.traceId, score, '')
        scoreTrace(feedback.traceId, score)
        return { status: 202, body: { id: score.id! } }
      } catch (error) {
        return { status: 400, body: { error: (error as Error).message } }
      }
    },
  }

  function read(body: unknown): Feedback {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new TypeError('the body must be a JSON object')
    // A copy has what was sent, and nothing that is inherited.
    const { traceId: id, name, value, comment } = { ...body } as Record<string, unknown>
    if (!isTraceId(id)) throw new TypeError('traceId must be 32 hex digits')
    // One trace in whatever letters: its score must have one id.
    const traceId = id.toLowerCase()
    if (typeof name !== 'string' || !names.has(name))
      throw new TypeError(`name must be one of ${[...names].join(', ')}`)
    if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean')
      throw new TypeError('value must be a number, a string, true or false')
    if (comment === undefined || comment === null) return { traceId, name, value }
    if (typeof comment !== 'string' || comment.length > maxCommentLength)
      throw new TypeError(`comment must be a string of at most ${maxCommentLength} characters`)
    return { traceId, name, value, comment }
  }

  function idOf(feedback: Feedback): string {
    const otherwise = crypto.randomUUID()
    const value = callOption(log(), 'id of feedbackRoute()', ANY_VALUE, otherwise, () => id(feedback))
    return callOption(log(), 'id of feedbackRoute()', ANY_STRING, otherwise, () => scoreId(value))
  }
}

function namesOf(path: string, names: unknown): ReadonlySet<string> {
  const isName = (name: unknown) =>
    typeof name === 'string' && name.trim() === name && name !== '' && name.length <= 200
  if (Array.isArray(names) && names.length > 0 && names.every(isName)) return new Set(names)
  return invalid(path, 'a list of score names', names)
}
