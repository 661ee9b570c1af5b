import type { OutboxOptions, SpoolOptions } from '@langfuse-middleware/delivery'

/** How observations travel from this process to Langfuse. */
export interface DeliveryOptions
  extends Pick<OutboxOptions, 'maxBytes' | 'maxBatchBytes' | 'maxInFlight' | 'breaker'> {
  /** How long a request to Langfuse may take, in milliseconds. @default 10000 */
  timeoutMs?: number | undefined
  /** Keeps observations on disk until they are delivered, so that neither an outage nor a crash loses them. @default off */
  spool?: SpoolOptions | undefined
}

/** Another OTLP backend that gets the same observations. */
export interface MirrorOptions {
  /** Its address: `https://collector:4318`, to which `/v1/traces` is added, or with a path of its own. */
  url: string
  /** @default http/protobuf */
  protocol?: 'http/protobuf' | 'grpc'
  /** Headers of every request; nothing is read from OTEL_EXPORTER_OTLP_HEADERS. */
  headers?: Readonly<Record<string, string>>
  /** Attributes of this service, for this backend only. */
  resourceAttributes?: Readonly<Record<string, string>>
}
