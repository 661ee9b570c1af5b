import type {
  BaseOptions,
  CompressionAlgorithmValue,
  ProducerOptions,
  SASLOptions,
} from '@platformatic/kafka'
import { loadClient } from '../basics/missing-package.ts'
import type { KafkaConfig } from './options.ts'

/** The client library, which is an ES module. */
export type KafkaClient = typeof import('@platformatic/kafka')

/** Loads the client library. */
export function loadKafka(): Promise<KafkaClient> {
  return loadClient('@platformatic/kafka', 'kafkaQueue()', () => import('@platformatic/kafka'))
}

/** Connection options that every client gets. */
export function connectionOptions(config: KafkaConfig): BaseOptions {
  const { sasl, tls } = config
  return {
    clientId: config.clientId,
    bootstrapBrokers: [...config.brokers],
    timeout: config.timeoutMs,
    connectTimeout: config.timeoutMs,
    // Outbox and spool own the retries: a client that waits would only hide an outage from them.
    retries: 0,
    autocreateTopics: false,
    ...(tls ? { tls: tls === true ? {} : tls } : {}),
    ...(sasl && { sasl: { ...sasl, mechanism: sasl.mechanism ?? 'PLAIN' } as SASLOptions }),
  }
}

/** Options of producers. Idempotence is off because that of the client loses messages it acknowledged. */
export function producerOptions(
  config: KafkaConfig,
  { compatibilityPartitioner }: KafkaClient,
): ProducerOptions<Buffer, Buffer, Buffer, Buffer> {
  return {
    ...connectionOptions(config),
    idempotent: false,
    compression: config.compression as CompressionAlgorithmValue,
    // The partitions of the Java clients and of the Collector, so that a trace stays on one.
    partitioner: compatibilityPartitioner,
  }
}
