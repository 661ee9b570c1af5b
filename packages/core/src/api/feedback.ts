import { createLog } from '../basics/logger.ts'
import { invalid, knownKeys, numberBetween } from '../basics/validation.ts'
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
  /** Checks what strangers sent and passes on what is right; never throws. */
  receive(body: unknown): FeedbackAnswer
}

/** Validates `options`; throws a MiddlewareError on a wrong one. */
export function createFeedbackReceiver(options: FeedbackOptions): FeedbackReceiver {
  knownKeys('feedbackRoute', options ?? {}, ['names', 'maxCommentLength', 'rateLimit', 'id'])
  const names = namesOf(options?.names)
  const { rateLimit = {}, id = ({ traceId, name }) => `${traceId}-${name}` } = options
  const maxCommentLength = numberBetween('maxCommentLength', options.maxCommentLength ?? 2_000, 0, 5_000)
  if (typeof id !== 'function') invalid('id', 'a function', id)
  const isLimited = rateLimit !== false
  if (isLimited) knownKeys('rateLimit', rateLimit, ['max', 'windowMs'])
  const { max = 30, windowMs = 60_000 } = rateLimit || {}
  const untracedLog = createLog(console)
  const log = () => runningTracing()?.log ?? untracedLog

  return {
    rateLimit: {
      max: numberBetween('rateLimit.max', max, 1, Number.POSITIVE_INFINITY),
      windowMs: numberBetween('rateLimit.windowMs', windowMs, 1, 2 ** 31 - 1),
    },
    isLimited,
    unlimited(name, error) {
      const missing = (error as { code?: unknown }).code === 'MODULE_NOT_FOUND'
      const reason = missing ? `${name} is not installed` : `${name} cannot be loaded (${String(error)})`
      log().warnOnce(
        'feedback limiter',
        `feedbackRoute() is not rate-limited: ${reason}. npm install ${name}, or set rateLimit: false`,
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
    const { traceId, name, value, comment } = { ...body } as Record<string, unknown>
    if (!isTraceId(traceId)) throw new TypeError('traceId must be 32 hex digits')
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
    try {
      return scoreId(id(feedback))
    } catch (error) {
      log().warnOnce(
        'feedback id',
        `the option id of feedbackRoute() gave none, each score counts by itself: ${String(error)}`,
      )
      return crypto.randomUUID()
    }
  }
}

function namesOf(names: unknown): Set<string> {
  const isName = (name: unknown) =>
    typeof name === 'string' && name.trim() === name && name !== '' && name.length <= 200
  if (Array.isArray(names) && names.length > 0 && names.every(isName)) return new Set(names)
  return invalid('names', 'a list of names of scores', names)
}
