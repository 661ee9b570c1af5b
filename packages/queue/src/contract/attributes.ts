import type { Failure, MessageKind, QueueMessage } from './message.ts'

/** Names of message headers (Kafka), attributes (SQS) and fields (Redis). Secret keys never travel. */
const NAMES = {
  publicKey: 'x-langfuse-public-key',
  kind: 'x-langfuse-kind',
  cause: 'x-langfuse-failure-cause',
  reason: 'x-langfuse-failure-reason',
  origin: 'x-langfuse-failure-origin',
  failedAt: 'x-langfuse-failure-time',
} as const

/** Describes a message by attributes. */
export function attributesOf({ kind, publicKey, failure }: QueueMessage): [name: string, value: string][] {
  const attributes: [string, string | undefined][] = [[NAMES.publicKey, publicKey]]
  if (failure !== undefined) {
    attributes.push([NAMES.kind, kind])
    for (const name of ['cause', 'reason', 'origin', 'failedAt'] as const)
      attributes.push([NAMES[name], failure[name]])
  }
  return attributes.filter((attribute): attribute is [string, string] => Boolean(attribute[1]))
}

/** Reads back what `attributesOf` wrote. A message of the Collector has none of it. */
export function readAttributes(
  read: (name: string) => string | undefined,
  channel: string,
): Pick<QueueMessage, 'kind' | 'publicKey' | 'failure'> {
  const kind: MessageKind = (read(NAMES.kind) ?? channel) === 'scores' ? 'scores' : 'spans'
  const cause = read(NAMES.cause)
  const failure: Failure | undefined =
    cause === undefined
      ? undefined
      : {
          cause,
          reason: read(NAMES.reason) ?? '',
          origin: read(NAMES.origin) ?? '',
          failedAt: read(NAMES.failedAt) ?? '',
        }
  return { kind, publicKey: read(NAMES.publicKey), failure }
}
