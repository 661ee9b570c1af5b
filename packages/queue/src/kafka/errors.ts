import type { SendOutcome, SendResult } from '@langfuse-middleware/delivery'

const REFUSED = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'UNKNOWN_TOPIC_ID',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'SECURITY_DISABLED',
  'INVALID_REQUIRED_ACKS',
  'UNSUPPORTED_COMPRESSION_TYPE',
  // The clock of this machine is far ahead: topics with LogAppendTime do not mind.
  'INVALID_TIMESTAMP',
  'POLICY_VIOLATION',
])
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
const THROTTLED = new Set(['THROTTLING_QUOTA_EXCEEDED'])
const MISUSE = new Set(['PLT_KFK_USER', 'PLT_KFK_UNSUPPORTED_COMPRESSION', 'PLT_KFK_UNSUPPORTED_API'])

interface KafkaError extends Error {
  code?: string
  apiId?: string
  errors?: readonly KafkaError[]
}

/** Maps an error of `@platformatic/kafka` to the outbox's table. */
export function kafkaResult(error: unknown): SendResult {
  const causes = flatten(error as KafkaError)
  for (const cause of causes) {
    const outcome = outcomeOf(cause)
    if (outcome !== undefined) return { outcome, reason: describe(cause) }
  }
  return { outcome: 'unreachable', reason: describe(causes.at(-1) ?? (error as KafkaError)) }
}

function outcomeOf({ code, apiId = '' }: KafkaError): SendOutcome | undefined {
  if (TOO_LARGE.has(apiId)) return 'too_large'
  if (THROTTLED.has(apiId)) return 'throttled'
  if (
    REFUSED.has(apiId) ||
    code === 'PLT_KFK_AUTHENTICATION' ||
    code === 'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE'
  )
    return 'refused'
  return MISUSE.has(code ?? '') ? 'refused' : undefined
}

/** An error with everything it was caused by, the outermost first. */
function flatten(error: KafkaError | undefined): KafkaError[] {
  if (typeof error !== 'object' || error === null) return []
  const inner = [...(error.errors ?? []), error.cause as KafkaError | undefined]
  return [error, ...inner.flatMap(flatten)]
}

function describe(error: KafkaError): string {
  const detail = error.apiId ?? error.code
  const message = error?.message || String(error)
  return (detail === undefined ? message : `${detail}: ${message}`).slice(0, 300)
}
