import type { ConnectionOptions as TlsOptions } from 'node:tls'
import {
  flag,
  integer,
  invalid,
  isRecord,
  milliseconds,
  type OptionSource,
  type OptionTable,
  oneOf,
  resolveTable,
  text,
  withMethods,
} from '@langfuse-middleware/delivery/options'

export interface KafkaQueueOptions {
  /** Bootstrap brokers: `['kafka-1:9092', 'kafka-2:9092']`. Not needed if `producer` is given and no worker runs here. */
  brokers?: readonly string[] | undefined
  /** Topic of spans, as the OpenTelemetry Collector names it. @default 'otlp_spans' */
  topic?: string | undefined
  /** Topic of scores. @default 'langfuse_scores' */
  scoresTopic?: string | undefined
  /** Topic of what Langfuse never accepts. @default the topic of spans with `_dead_letters` */
  deadLetterTopic?: string | undefined
  /** @default 'langfuse-middleware' */
  clientId?: string | undefined
  /** User name and password, by default with the mechanism PLAIN. @default none */
  sasl?: KafkaSasl | undefined
  /** Options of `tls.connect`, or true for its defaults. @default no TLS */
  tls?: TlsOptions | boolean | undefined
  /** @default 'gzip', which every Kafka client and Node 20 can read */
  compression?: 'gzip' | 'none' | 'snappy' | 'lz4' | 'zstd' | undefined
  /** Largest message in bytes, and largest request to the broker; at most its `message.max.bytes`. @default 1000000 */
  maxMessageBytes?: number | undefined
  /** Longest time in ms for a request to the broker. @default 5000 */
  timeoutMs?: number | undefined
  /** Creates missing topics, with the broker's time on each message. @default off */
  createTopics?: TopicCreation | undefined
  /** The app's own producer, of `@platformatic/kafka` or any object with such a `send`; it is not closed. @default a new one */
  producer?: KafkaProducer | undefined
}

interface TopicCreation {
  partitions: number
  /** @default 1 */
  replicationFactor?: number | undefined
}

export interface KafkaSasl {
  /** @default 'PLAIN' */
  mechanism?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER' | undefined
  username?: string | undefined
  password?: string | undefined
  /** For OAUTHBEARER; called for each connection. */
  token?: string | (() => string | Promise<string>) | undefined
}

/** A message as the producer of `@platformatic/kafka` takes it. */
export interface KafkaRecord {
  topic: string
  key?: Buffer
  value: Buffer
  headers: Map<Buffer, Buffer>
}

/** The part of a producer that is used. */
export interface KafkaProducer {
  send(options: { messages: KafkaRecord[]; acks: number }): Promise<unknown>
}

export interface KafkaConfig extends Resolved {
  readonly topics: Readonly<Record<'spans' | 'scores' | 'dead-letters', string>>
}

type Resolved = {
  readonly [Name in keyof KafkaQueueOptions]-?: Name extends Optional
    ? KafkaQueueOptions[Name]
    : NonNullable<KafkaQueueOptions[Name]>
}
type Optional = 'scoresTopic' | 'deadLetterTopic' | 'sasl' | 'tls' | 'createTopics' | 'producer'

const BROKER = /^[^\s/:]+(:\d+)?$|^\[[^\]]+\](:\d+)?$/

const KAFKA_OPTIONS: OptionTable<KafkaQueueOptions, Resolved> = {
  brokers: { check: brokers, default: [] },
  topic: { check: text(), default: 'otlp_spans' },
  scoresTopic: { check: text(), default: 'langfuse_scores' },
  deadLetterTopic: { check: text(), default: undefined },
  clientId: { check: text(), default: 'langfuse-middleware' },
  sasl: { check: sasl, default: undefined },
  tls: {
    check: (path, value) => (isRecord(value) ? (value as TlsOptions) : flag(path, value)),
    default: undefined,
  },
  compression: { check: oneOf('gzip', 'none', 'snappy', 'lz4', 'zstd'), default: 'gzip' },
  maxMessageBytes: { check: integer(1024), default: 1_000_000 },
  timeoutMs: { check: milliseconds(100), default: 5_000 },
  createTopics: {
    check: (path, value) =>
      resolveTable<TopicCreation, { partitions: number; replicationFactor: number }, OptionSource>(
        path,
        value,
        {
          partitions: { check: integer(1) },
          replicationFactor: { check: integer(1), default: 1 },
        },
      ),
    default: undefined,
  },
  producer: { check: withMethods<KafkaProducer>('send'), default: undefined },
}

/** Checks the options of a Kafka queue and fills in what is absent. */
export function resolveKafkaOptions(options: KafkaQueueOptions): KafkaConfig {
  const resolved = resolveTable<KafkaQueueOptions, Resolved, OptionSource>('', options, KAFKA_OPTIONS)
  if (resolved.producer === undefined) brokers('brokers', options.brokers)
  return Object.freeze({
    ...resolved,
    topics: Object.freeze({
      spans: resolved.topic,
      scores: resolved.scoresTopic!,
      'dead-letters': resolved.deadLetterTopic ?? `${resolved.topic}_dead_letters`,
    }),
  })
}

function brokers(path: string, value: unknown): readonly string[] {
  const valid =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(broker => typeof broker === 'string' && BROKER.test(broker))
  return valid ? value : invalid(path, "a list of host:port such as ['localhost:9092']", value)
}

function sasl(path: string, value: unknown): KafkaSasl {
  return resolveTable<KafkaSasl, Required<KafkaSasl>, OptionSource>(path, value, {
    mechanism: { check: oneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'), default: 'PLAIN' },
    username: { check: text(), default: undefined },
    password: { check: secret, default: undefined },
    token: {
      check: (tokenPath, token) => (typeof token === 'function' ? token : secret(tokenPath, token)),
      default: undefined,
    },
  } as OptionTable<KafkaSasl, Required<KafkaSasl>>)
}

/** A text that no message shows. */
function secret(path: string, value: unknown): string {
  return typeof value === 'string' ? value : invalid(path, 'a string', typeof value)
}
