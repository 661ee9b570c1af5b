import {
  httpUrl,
  integer,
  invalid,
  milliseconds,
  type OptionSource,
  type OptionTable,
  resolveTable,
  text,
  withMethods,
} from '@langfuse-middleware/delivery/options'

export interface SqsQueueOptions {
  /** URL of the queue of spans; standard or FIFO. */
  queueUrl: string
  /** URL of the queue of scores. @default `queueUrl` with `-scores`, before `.fifo` */
  scoresQueueUrl?: string | undefined
  /** URL of the queue of what Langfuse never accepts. @default `queueUrl` with `-dead-letters`, before `.fifo` */
  deadLetterQueueUrl?: string | undefined
  /** @default as the AWS SDK finds it */
  region?: string | undefined
  /** Address of another service that speaks SQS, such as ElasticMQ. @default that of AWS */
  endpoint?: string | undefined
  /** @default as the AWS SDK finds them: environment, profile, role */
  credentials?: SqsCredentials | undefined
  /** Largest message in bytes, encoded. @default 1044480: the 1 MiB of SQS, less the attributes of a dead letter */
  maxMessageBytes?: number | undefined
  /** Longest time in ms for a request. @default 5000 */
  timeoutMs?: number | undefined
  /** How long a received message is hidden from other workers, in seconds; prolonged while it is being delivered. @default 60 */
  visibilityTimeoutSeconds?: number | undefined
  /** The app's own `SQSClient`; it is not closed. @default a new one */
  client?: SqsClient | undefined
}

export interface SqsCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** The part of an `SQSClient` that is used. */
export interface SqsClient {
  // biome-ignore lint/suspicious/noExplicitAny: the SDK types commands and answers by hundreds of overloads
  send(command: any, options?: any): Promise<any>
}

export interface SqsConfig extends Resolved {
  readonly urls: Readonly<Record<'spans' | 'scores' | 'dead-letters', string>>
}

type Resolved = {
  readonly [Name in keyof SqsQueueOptions]-?: Name extends
    | 'queueUrl'
    | 'maxMessageBytes'
    | 'timeoutMs'
    | 'visibilityTimeoutSeconds'
    ? NonNullable<SqsQueueOptions[Name]>
    : SqsQueueOptions[Name]
}

const MAX_MESSAGE_BYTES = 1024 * 1024 - 4 * 1024

const SQS_OPTIONS: OptionTable<SqsQueueOptions, Resolved> = {
  queueUrl: { check: queueUrl },
  scoresQueueUrl: { check: queueUrl, default: undefined },
  deadLetterQueueUrl: { check: queueUrl, default: undefined },
  region: { check: text(), default: undefined },
  endpoint: { check: queueUrl, default: undefined },
  credentials: { check: credentials, default: undefined },
  maxMessageBytes: { check: integer(4 * 1024, MAX_MESSAGE_BYTES), default: MAX_MESSAGE_BYTES },
  timeoutMs: { check: milliseconds(100), default: 5_000 },
  visibilityTimeoutSeconds: { check: integer(10, 43_200), default: 60 },
  client: { check: withMethods<SqsClient>('send'), default: undefined },
}

/** Checks the options of an SQS queue and fills in what is absent. */
export function resolveSqsOptions(options: SqsQueueOptions): SqsConfig {
  const resolved = resolveTable<SqsQueueOptions, Resolved, OptionSource>('', options, SQS_OPTIONS)
  const { queueUrl: spans, scoresQueueUrl, deadLetterQueueUrl } = resolved
  return Object.freeze({
    ...resolved,
    urls: Object.freeze({
      spans,
      scores: scoresQueueUrl ?? withSuffix(spans, '-scores'),
      'dead-letters': deadLetterQueueUrl ?? withSuffix(spans, '-dead-letters'),
    }),
  })
}

/** True for a FIFO queue, whose messages need a group and a deduplication id. */
export function isFifo(url: string): boolean {
  return url.endsWith('.fifo')
}

function withSuffix(url: string, suffix: string): string {
  return isFifo(url) ? `${url.slice(0, -'.fifo'.length)}${suffix}.fifo` : `${url}${suffix}`
}

function queueUrl(path: string, value: unknown): string {
  httpUrl(path, value)
  return String(value)
}

function credentials(path: string, value: unknown): SqsCredentials {
  const keys = value as Partial<SqsCredentials> | null
  if (typeof keys?.accessKeyId === 'string' && typeof keys.secretAccessKey === 'string')
    return keys as SqsCredentials
  // The value is not shown, because it holds a secret.
  return invalid(path, '{ accessKeyId, secretAccessKey }', typeof value)
}
