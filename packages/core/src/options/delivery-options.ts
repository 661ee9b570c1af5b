import {
  HTTP_SENDER_OPTIONS,
  headersFor,
  httpUrl,
  invalid,
  listOf,
  type OptionSource,
  type OptionTable,
  OUTBOX_OPTIONS,
  type OutboxOptions,
  otlpProtocol,
  type ResolvedSpoolOptions,
  resolveTable,
  type SpoolOptions,
  textRecord,
} from '@langfuse-middleware/delivery/options'

/** How observations travel from this process to Langfuse. */
export interface DeliveryOptions
  extends Pick<OutboxOptions, 'maxBytes' | 'maxBatchBytes' | 'maxInFlight' | 'breaker'> {
  /** Longest time for a request to Langfuse, in milliseconds. @default 10000 */
  timeoutMs?: number | undefined
  /** Keeps observations on disk until they are delivered, so that neither an outage nor a crash loses them. @default off */
  spool?: SpoolOptions | undefined
}

/** DeliveryOptions with their defaults. */
export interface DeliveryConfig {
  readonly maxBytes: number
  readonly maxBatchBytes: number
  readonly maxInFlight: number
  readonly breaker: Required<NonNullable<OutboxOptions['breaker']>>
  readonly timeoutMs: number
  readonly spool: ResolvedSpoolOptions | undefined
}

/** Another OTLP backend that gets the same observations. */
export interface MirrorOptions {
  /** Its address: `https://collector:4318`, to which `/v1/traces` is added, or a URL with a path. */
  url: string
  /** @default http/protobuf */
  protocol?: 'http/protobuf' | 'grpc'
  /** Headers of every request; `OTEL_EXPORTER_OTLP_HEADERS` is not read. */
  headers?: Readonly<Record<string, string>>
  /** Attributes of this service, for this backend only. */
  resourceAttributes?: Readonly<Record<string, string>>
}

/** MirrorOptions with their defaults. */
export interface MirrorConfig {
  readonly url: string
  readonly protocol: 'http/protobuf' | 'grpc'
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly resourceAttributes: Readonly<Record<string, string>> | undefined
}

const { maxBytes, maxBatchBytes, maxInFlight, breaker, spool } = OUTBOX_OPTIONS

/** Every option of `delivery`; delivery itself checks them. */
export const DELIVERY_OPTIONS: OptionTable<DeliveryOptions, DeliveryConfig> = {
  maxBytes,
  maxBatchBytes,
  maxInFlight,
  breaker,
  timeoutMs: HTTP_SENDER_OPTIONS.timeoutMs,
  spool,
}

/** Every option of one of `mirrors`. */
export const MIRROR_OPTIONS: OptionTable<MirrorOptions, MirrorConfig> = {
  url: {
    check(path, value) {
      httpUrl(path, value)
      return String(value)
    },
  },
  protocol: { check: otlpProtocol, default: 'http/protobuf' },
  headers: { check: textRecord, default: undefined },
  resourceAttributes: { check: textRecord, default: undefined },
}

/** Checks the mirrors, each under its own path. */
export function resolveMirrors(path: string, value: unknown): readonly MirrorConfig[] {
  const mirrors = listOf(resolveMirror, 'a list of { url, protocol, headers, resourceAttributes }')(
    path,
    value,
  )
  for (const [index, { url }] of mirrors.entries()) {
    const first = mirrors.findIndex(mirror => mirror.url === url)
    if (first !== index) invalid(`${path}[${index}].url`, `other than ${path}[${first}].url`, url)
  }
  return mirrors
}

function resolveMirror(path: string, value: unknown): MirrorConfig {
  const mirror = resolveTable<MirrorOptions, MirrorConfig, OptionSource>(path, value, MIRROR_OPTIONS)
  if (mirror.headers !== undefined) headersFor(mirror.protocol)(`${path}.headers`, mirror.headers)
  return mirror
}
