import {
  createFeedbackReceiver,
  type FeedbackOptions,
  type FeedbackReceiver,
  refuseRequest,
  refuseUncalled,
} from '@langfuse-middleware/core/adapter'
import type { RequestHandler } from 'express'

/**
 * Stores users' feedback as scores: takes `{ traceId, name, value, comment }` as JSON. Answers 202, 400 or, with `express-rate-limit`
 * installed, 429. Put `express.json()` before it.
 *
 * @throws MiddlewareError if an option is wrong
 * @example app.post('/feedback', express.json(), feedbackRoute({ names: ['helpful'] }))
 */
export function feedbackRoute(options: FeedbackOptions): RequestHandler {
  refuseRequest('feedbackRoute', options)
  const feedback = createFeedbackReceiver(options)
  const limit = feedback.isLimited ? createLimiter(feedback) : undefined

  const receive: RequestHandler = (request, response) => {
    const { status, body } = feedback.receive(request.body)
    response.status(status).json(body)
  }
  return function langfuseFeedback(request, response, next) {
    // Don't trace feedback requests.
    request.langfuse?.skip()
    if (limit === undefined) return receive(request, response, next)
    const isTrusted = request.app?.get('trust proxy') !== false
    feedback.checkProxy(request.headers, isTrusted, "app.set('trust proxy', 1)")
    return limit(request, response, error => {
      if (error === undefined) receive(request, response, next)
      else next(error)
    })
  }
}

refuseUncalled(feedbackRoute)

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
      // The same warning, in the app's own log.
      validate: { xForwardedForHeader: false },
      message: { error: 'too many requests' },
    })
  } catch (error) {
    unlimited('express-rate-limit', error)
    return undefined
  }
}
