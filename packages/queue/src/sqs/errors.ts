import type { SendOutcome, SendResult } from '@langfuse-middleware/delivery'

const OUTCOMES: readonly [RegExp, SendOutcome][] = [
  [/BatchRequestTooLong|TooLong|TooLarge/, 'too_large'],
  [/Throttl|OverLimit|TooManyRequests/, 'throttled'],
  [
    /NonExistentQueue|QueueDoesNotExist|InvalidAddress|AccessDenied|Credential|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSecurity|ExpiredToken|MissingAuthentication|OptInRequired|Kms(AccessDenied|Disabled|NotFound)|MISSING_PACKAGE|UnsupportedOperation/,
    'refused',
  ],
]
const SIZE_MESSAGE = /message must be shorter|longer than|bytes/i

/** Maps an error of the AWS SDK to the outbox's table. */
export function sqsResult(error: unknown): SendResult {
  const { name = '', message = '', code = '' } = error as { name?: string; message?: string; code?: string }
  const reason = `${name}: ${message || code || String(error)}`.slice(0, 300)
  const known = OUTCOMES.find(([expression]) => expression.test(name) || expression.test(code))
  if (known !== undefined) return { outcome: known[1], reason }
  if (/InvalidParameterValue/.test(name) && SIZE_MESSAGE.test(message))
    return { outcome: 'too_large', reason }
  // The SDK has no error of its own for a region that is not set.
  if (/Region is missing/.test(message)) return { outcome: 'refused', reason }
  return { outcome: 'unreachable', reason }
}
