import { ApiError } from './api-error.mjs'

/** The models the fake LLM lists; it answers to any other name as to `fake`. */
export const models = [
  'fake',
  'fake-embedding',
  'fake-slow',
  'fake-silent',
  'fake-broken',
  'fake-error',
  'fake-rate-limit',
]

/**
 * How a model behaves, by its name. Throws for the models that always fail.
 * @param {unknown} name
 * @returns {{ slowness: number, breaksAfterTokens: number }}
 */
export function behaviourOf(name) {
  const behaviour = { slowness: 1, breaksAfterTokens: Number.POSITIVE_INFINITY }
  switch (name) {
    case 'fake-slow':
      return { ...behaviour, slowness: 10 }
    case 'fake-silent':
      return { ...behaviour, slowness: Number.POSITIVE_INFINITY }
    case 'fake-broken':
      return { ...behaviour, breaksAfterTokens: 5 }
    case 'fake-error':
      throw new ApiError(500, 'The model is overloaded, on purpose.', {
        type: 'server_error',
        // Without it the SDK tries three times, which hides the failure for seconds.
        headers: { 'x-should-retry': 'false' },
      })
    case 'fake-rate-limit':
      throw new ApiError(429, 'Rate limit reached, on purpose. Try again in 1 s.', {
        type: 'requests',
        code: 'rate_limit_exceeded',
        headers: { 'retry-after': '1' },
      })
    default:
      return behaviour
  }
}
