import {
  createFeedbackReceiver,
  type FeedbackOptions,
  type FeedbackReceiver,
} from '@langfuse-middleware/core/adapter'
import type { RequestHandler } from 'express'

/**
 * Takes what users think of an answer: `{ traceId, name, value, comment }`, in JSON, as a score of that trace. Answers 202, 400 or, with
 * `express-rate-limit` installed, 429. Put `express.json()` before it. Throws a MiddlewareError on a wrong option.
 */
export function feedbackRoute(options: FeedbackOptions): RequestHandler {
  const feedback = createFeedbackReceiver(options)
  const limit = feedback.isLimited ? createLimiter(feedback) : undefined

  const receive: RequestHandler = (request, response) => {
    const { status, body } = feedback.receive(request.body)
    response.status(status).json(body)
  }
  return function langfuseFeedback(request, response, next) {
    // A judgement of a trace is not worth one.
    request.langfuse?.skip()
    if (limit === undefined) return receive(request, response, next)
    return limit(request, response, error => {
      if (error === undefined) receive(request, response, next)
      else next(error)
    })
  }
}

function createLimiter({ rateLimit, unlimited }: FeedbackReceiver): RequestHandler | undefined {
  try {
    // A literal `require` within `try`: bundlers include the package if it is installed, and leave it out if it is not.
    const limiter: typeof import('express-rate-limit') = require('express-rate-limit')
    return limiter.rateLimit({
      // The name of `limit` before version 7, and accepted since.
      max: rateLimit.max,
      windowMs: rateLimit.windowMs,
      standardHeaders: 'draft-7',
      legacyHeaders: false,
      message: { error: 'too many requests' },
    })
  } catch (error) {
    unlimited('express-rate-limit', error)
    return undefined
  }
}
