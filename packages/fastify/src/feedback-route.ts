import {
  createFeedbackReceiver,
  type FeedbackOptions,
  type FeedbackReceiver,
} from '@langfuse-middleware/core/adapter'
import type { FastifyPluginAsync } from 'fastify'
import { withoutRegisterOptions } from './register-options.ts'

/** What feedback is taken, and where. */
export interface FeedbackRouteOptions extends FeedbackOptions {
  /** The path, below the `prefix` of `register`. @default /feedback */
  url?: string
}

/**
 * Takes what users think of an answer: a POST of `{ traceId, name, value, comment }`, as a score of that trace. Answers 202, 400 or, with
 * `@fastify/rate-limit` installed, 429. Registration fails with a MiddlewareError on a wrong option.
 */
export const feedbackRoute: FastifyPluginAsync<FeedbackRouteOptions> = async (fastify, options) => {
  const { url = '/feedback', ...rest } = withoutRegisterOptions(options)
  const feedback = createFeedbackReceiver(rest)
  const limiter = feedback.isLimited ? loadLimiter(feedback) : undefined
  // Where the app has registered it, its store and keys are used.
  if (limiter !== undefined && !fastify.hasDecorator('rateLimit')) {
    await fastify.register(limiter.default, { global: false })
  }
  const { max, windowMs } = feedback.rateLimit

  fastify.post(
    url,
    // A judgement of a trace is not worth one.
    {
      config: { langfuse: false, ...(limiter !== undefined && { rateLimit: { max, timeWindow: windowMs } }) },
    },
    (request, reply) => {
      if (limiter !== undefined)
        feedback.checkProxy(request.headers, request.ips !== undefined, 'fastify({ trustProxy: 1 })')
      const { status, body } = feedback.receive(request.body)
      void reply.code(status).send(body)
    },
  )
}

function loadLimiter({ unlimited }: FeedbackReceiver): typeof import('@fastify/rate-limit') | undefined {
  try {
    // A literal `require` within `try`: bundlers include the package if it is installed, and leave it out if it is not.
    return require('@fastify/rate-limit')
  } catch (error) {
    unlimited('@fastify/rate-limit', error)
    return undefined
  }
}
