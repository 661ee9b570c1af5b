import {
  flag,
  HTTP_SENDER_OPTIONS,
  type HttpSenderOptions,
  headersFor,
  httpUrl,
  invalid,
  listOf,
  type OptionSource,
  type OptionTable,
  OUTBOX_OPTIONS,
  type OutboxOptions,
  oneOf,
  otlpProtocol,
  type ResolvedSpoolOptions,
  resolveTable,
  type SpoolOptions,
  text,
  textRecord,
} from '@langfuse-middleware/delivery/options'

/** How observations travel from this process to Langfuse. */
export interface DeliveryOptions
  extends Pick<OutboxOptions, 'maxBytes' | 'maxBatchBytes' | 'maxInFlight' | 'breaker'> {
  /** Longest time for a request to Langfuse, in milliseconds. @default 10000 */
  timeoutMs?: number | undefined
  /**
   * Agent for requests to Langfuse, for a proxy or certificates of your own.
   * @default a keep-alive agent; it uses the environment's proxy if Node does (`NODE_USE_ENV_PROXY=1`)
   */
  agent?: HttpSenderOptions['agent']
  /**
   * Keeps observations and scores on disk until they are delivered, for Langfuse and each mirror, so that neither an outage nor a crash loses
   * them. @default off
   */
  spool?: SpoolOptions | undefined
}

/** DeliveryOptions with their defaults. */
export interface DeliveryConfig {
  readonly maxBytes: number
  readonly maxBatchBytes: number
  readonly maxInFlight: number
  readonly breaker: Required<NonNullable<OutboxOptions['breaker']>>
  readonly timeoutMs: number
  readonly agent: HttpSenderOptions['agent']
  readonly spool: ResolvedSpoolOptions | undefined
}

const MIRROR_DIALECT_NAMES = ['otel', 'datadog', 'openinference', 'tencent', 'langfuse'] as const

/** Naming conventions of a mirror. */
export type MirrorDialectName = (typeof MIRROR_DIALECT_NAMES)[number]

/** Another OTLP backend that gets the same observations. */
export interface MirrorOptions {
  /** What `stats()`, metrics and log lines call it. Two mirrors of one URL need one each. @default the URL without user, password and query */
  name?: string
  /** Its address: `https://collector:4318`, to which `/v1/traces` is added, or a URL with a path. */
  url: string
  /** @default http/protobuf */
  protocol?: 'http/protobuf' | 'grpc'
  /** Headers of every request; `OTEL_EXPORTER_OTLP_HEADERS` is not read. */
  headers?: Readonly<Record<string, string>>
  /** Attributes of this service, for this backend only. */
  resourceAttributes?: Readonly<Record<string, string>>
  /**
   * The naming conventions that the backend reads, beside Langfuse's: OpenTelemetry's GenAI and HTTP conventions (`otel`), the same for
   * Datadog LLM Observability with its header `dd-otlp-source`, OpenInference for Phoenix and Arize, Tencent Cloud's, or Langfuse's alone.
   * @default otel
   */
  dialect?: MirrorDialectName
  /** Whether this backend gets inputs, outputs and error messages. @default true */
  contents?: boolean
}

/** MirrorOptions with their defaults. */
export interface MirrorConfig {
  readonly name: string | undefined
  readonly url: string
  readonly protocol: 'http/protobuf' | 'grpc'
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly resourceAttributes: Readonly<Record<string, string>> | undefined
  readonly dialect: MirrorDialectName
  readonly contents: boolean
}

const { maxBytes, maxBatchBytes, maxInFlight, breaker, spool } = OUTBOX_OPTIONS

/** Every option of `delivery`; delivery itself checks them. */
export const DELIVERY_OPTIONS: OptionTable<DeliveryOptions, DeliveryConfig> = {
  maxBytes,
  maxBatchBytes,
  maxInFlight,
  breaker,
  timeoutMs: HTTP_SENDER_OPTIONS.timeoutMs,
  agent: HTTP_SENDER_OPTIONS.agent,
  spool,
}

/** Every option of one of `mirrors`. */
export const MIRROR_OPTIONS: OptionTable<MirrorOptions, MirrorConfig> = {
  name: { check: text(), default: undefined },
  url: {
    check(path, value) {
      httpUrl(path, value)
      return String(value)
    },
  },
  protocol: { check: otlpProtocol, default: 'http/protobuf' },
  headers: { check: textRecord, default: undefined },
  resourceAttributes: { check: textRecord, default: undefined },
  dialect: { check: oneOf(...MIRROR_DIALECT_NAMES), default: 'otel' },
  contents: { check: flag, default: true },
}

/** Checks the mirrors, each under its own path. */
export function resolveMirrors(path: string, value: unknown): readonly MirrorConfig[] {
  const expectation = 'a list of { name, url, protocol, headers, resourceAttributes, dialect, contents }'
  const mirrors = listOf(resolveMirror, expectation)(path, value)
  // Each has figures, a spool and log lines under its name.
  const names = ['langfuse', 'queue', 'inspector']
  for (const [index, mirror] of mirrors.entries()) {
    const name = mirrorName(mirror)
    if (names.includes(name))
      invalid(`${path}[${index}].name`, 'unique, and set for each of two mirrors with one URL', name)
    names.push(name)
  }
  return mirrors
}

function resolveMirror(path: string, value: unknown): MirrorConfig {
  const mirror = resolveTable<MirrorOptions, MirrorConfig, OptionSource>(path, value, MIRROR_OPTIONS)
  if (mirror.headers !== undefined) headersFor(mirror.protocol)(`${path}.headers`, mirror.headers)
  return mirror
}

/** The name of a mirror in log lines, metrics and `stats()`: its own, or its URL without user, password and query. */
export function mirrorName({ name, url }: { name?: string | undefined; url: string }): string {
  return name ?? shownUrl(url)
}

/** A URL without user, password, query and fragment, which may be secret. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return pathname === '/' ? origin : `${origin}${pathname}`
}
