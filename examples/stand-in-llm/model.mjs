import { ApiError } from './api-error.mjs'

/** The models the stand-in lists; it answers to any other name as to `stand-in`. */
export const models = [
  'stand-in',
  'stand-in-embedding',
  'stand-in-slow',
  'stand-in-silent',
  'stand-in-broken',
  'stand-in-error',
  'stand-in-rate-limit',
]

/**
 * How a model behaves, by its name. Throws for the models that always fail.
 * @param {unknown} name
 * @returns {{ slowness: number, breaksAfterTokens: number }}
 */
export function behaviourOf(name) {
  const behaviour = { slowness: 1, breaksAfterTokens: Number.POSITIVE_INFINITY }
  switch (name) {
    case 'stand-in-slow':
      return { ...behaviour, slowness: 10 }
    case 'stand-in-silent':
      return { ...behaviour, slowness: Number.POSITIVE_INFINITY }
    case 'stand-in-broken':
      return { ...behaviour, breaksAfterTokens: 5 }
    case 'stand-in-error':
      throw new ApiError(500, 'The model is overloaded, on purpose.', {
        type: 'server_error',
        // Without it the SDK tries three times, which hides the failure for seconds.
        headers: { 'x-should-retry': 'false' },
      })
    case 'stand-in-rate-limit':
      throw new ApiError(429, 'Rate limit reached, on purpose. Try again in 1 s.', {
        type: 'requests',
        code: 'rate_limit_exceeded',
        headers: { 'retry-after': '1' },
      })
    default:
      return behaviour
  }
}
