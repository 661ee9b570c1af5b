import {
  createLangfuseScoreSender,
  createLangfuseSender,
  createRelay,
  type Relay,
  type RelayLimit,
  type RelayRecord,
  type RelayStats,
  type Sender,
} from '@langfuse-middleware/delivery'
import type { MessageKind, ReceivedMessage } from '../contract/message.ts'
import { type DeadLetters, originOf } from './dead-letters.ts'
import type { Project, WorkerConfig } from './options.ts'

/** Everything that goes to one project. */
export interface ProjectRelays {
  /** Name for log lines and metrics, without the whole key. */
  readonly name: string
  /** Why Langfuse refuses the keys of the project at present. */
  readonly refusal: string | undefined
  readonly bytes: number
  add(message: ReceivedMessage, items: number, settled: () => void): void
  stats(): Readonly<Record<MessageKind, RelayStats>>
  /** Waits until everything is settled. Returns false at the deadline. */
  drain(timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

interface MessageRecord extends RelayRecord {
  message: ReceivedMessage
}

/** Creates the relays of a project, one for spans and one for scores. */
export function createProjectRelays(
  config: WorkerConfig,
  project: Project,
  { deadLetters, limit }: { deadLetters: DeadLetters; limit: RelayLimit },
): ProjectRelays {
  const { publicKey, secretKey, baseUrl } = project
  const name = config.projects.length > 1 ? `project …${publicKey.slice(-4)}` : 'Langfuse'
  const endpoint = { publicKey, secretKey, baseUrl, timeoutMs: config.timeoutMs }
  let refusal: string | undefined
  const relays: { readonly [kind in MessageKind]: Relay<MessageRecord> } = {
    spans: relayOf('spans', createLangfuseSender(endpoint)),
    scores: relayOf('scores', createLangfuseScoreSender(endpoint)),
  }
  const both = Object.values(relays)

  return {
    name,
    get refusal() {
      return refusal
    },
    get bytes() {
      return both.reduce((total, { bytes }) => total + bytes, 0)
    },
    add(message, items, settle) {
      relays[message.kind].add({ message, body: message.body, spans: items, settle })
    },
    stats: () => ({ spans: relays.spans.stats(), scores: relays.scores.stats() }),
    async drain(timeoutMs) {
      const drained = await Promise.all(both.map(relay => relay.drain(timeoutMs)))
      return drained.every(Boolean)
    },
    async close() {
      await Promise.all(both.map(relay => relay.close()))
    },
  }

  function relayOf(kind: MessageKind, sender: Sender): Relay<MessageRecord> {
    return createRelay<MessageRecord>({
      items: kind,
      name,
      sender: watched(sender),
      limit,
      logger: config.logger,
      secrets: [secretKey],
      maxBytes: config.maxBytes,
      maxBatchBytes: config.maxBatchBytes,
      maxBatchSpans: config.maxBatchSpans,
      lingerMs: config.lingerMs,
      // One request of scores after the other, so that of two scores with one id the later stays.
      maxInFlight: kind === 'scores' ? 1 : config.maxInFlight,
      maxAttempts: config.maxAttempts,
      refusedCoolDownMs: config.refusedCoolDownMs,
      discard: async (item, cause, reason, sources) => {
        const source = originOf(
          kind,
          item.body,
          sources.map(({ message }) => message),
        )
        await deadLetters.keep({
          kind,
          body: item.body,
          publicKey,
          key: source?.key,
          cause,
          reason,
          origin: source?.origin ?? 'unknown',
          items: item.spans,
        })
      },
    })
  }

  function watched(sender: Sender): Sender {
    return {
      ...sender,
      async send(body, options) {
        const result = await sender.send(body, options)
        refusal = result.outcome === 'refused' ? (result.reason ?? 'refused') : undefined
        return result
      },
    }
  }
}
