import type { Transport } from '@langfuse-middleware/delivery'
import {
  atLeast,
  between,
  type Check,
  callback,
  flag,
  group,
  httpUrl,
  invalid,
  isRecord,
  milliseconds,
  type OptionTable,
  oneOf,
  text,
  withMethods,
} from '@langfuse-middleware/delivery/options'
import type { Logger } from '../basics/logger.ts'
import { type PropagateTo, resolvePropagateTo } from '../propagation/propagation-targets.ts'
import {
  DELIVERY_OPTIONS,
  type DeliveryConfig,
  type DeliveryOptions,
  MIRROR_OPTIONS,
  type MirrorConfig,
  type MirrorOptions,
  resolveMirrors,
} from './delivery-options.ts'
import { environmentOf, flagFrom, numberFrom } from './environment.ts'
import { checkInspector, INSPECTOR_OPTIONS, type LocalInspectorOptions } from './inspector-options.ts'
import {
  LLM_CALLS_OPTIONS,
  type LlmCallsConfig,
  type LlmCallsMode,
  type LlmCallsOptions,
  resolveLlmCalls,
} from './llm-calls-options.ts'
import { SAMPLING_OPTIONS, type Sampling, type SamplingOptions, type SamplingSource } from './sampling.ts'
import type { Tier } from './tier.ts'
import type { TracingExporter } from './tracing-exporter.ts'

/** Options of tracing, for the whole process. All are optional, and read once at the start. */
export interface TracingOptions {
  /** Whether to trace; `false` loads nothing and records nothing. @default LANGFUSE_TRACING_ENABLED, else true */
  enabled?: boolean
  /** Langfuse's public key. @default LANGFUSE_PUBLIC_KEY_DEV, _STAGING or _PROD, else LANGFUSE_PUBLIC_KEY */
  publicKey?: string
  /** Langfuse's secret key. @default LANGFUSE_SECRET_KEY_DEV, _STAGING or _PROD, else LANGFUSE_SECRET_KEY */
  secretKey?: string
  /** Langfuse's URL. @default LANGFUSE_BASE_URL, LANGFUSE_HOST or LANGFUSE_BASEURL, else https://cloud.langfuse.com */
  baseUrl?: string
  /** Environment in Langfuse: up to 40 of `a-z 0-9 - _`. @default LANGFUSE_TRACING_ENVIRONMENT, NODE_ENV, else development */
  environment?: string
  /** Release in Langfuse. @default LANGFUSE_RELEASE */
  release?: string
  /** Version of the traced code, on every observation. */
  version?: string
  /** Name of this service, on every observation's resource. @default OTEL_SERVICE_NAME */
  serviceName?: string
  /** How much traffic the app has; sets the defaults of sampling and batching. @default starter */
  tier?: Tier
  /** Which traces are kept. @default by tier and environment, errors always */
  sampling?: SamplingOptions
  /** What to do with a request without child observations and without errors. @default keep */
  emptyRequests?: 'keep' | 'drop'
  /**
   * Batching: a batch is sent when `at` observations are queued or `intervalMs` milliseconds have passed.
   * @default LANGFUSE_FLUSH_AT and LANGFUSE_FLUSH_INTERVAL (seconds), else by tier
   */
  flush?: { at?: number; intervalMs?: number }
  /** Limits of the memory for requests that are not yet decided. */
  buffer?: BufferOptions
  /** How long `waitUntil` may keep a trace open after its response, in milliseconds. @default 60000 */
  waitUntilTimeoutMs?: number
  /** Rewrites every serialised input, output and metadata value before it is sent. If it throws, the value is replaced by a placeholder. */
  mask?: (params: { data: unknown }) => unknown
  /** How observations travel to Langfuse: limits, circuit breaker, and a spool on disk. */
  delivery?: DeliveryOptions
  /** Other OTLP backends that get the same observations, each through its own outbox. */
  mirrors?: readonly MirrorOptions[]
  /**
   * Message queue that takes observations and scores instead of Langfuse: `kafkaQueue(…)`, `sqsQueue(…)` or `redisQueue(…)` of
   * `@langfuse-middleware/queue`, whose workers deliver them. Only the public key is needed here. @default the one at LANGFUSE_QUEUE_URL, if set
   */
  queue?: Transport
  /**
   * Starts the local inspector in development: the destination if there are no keys, else a mirror. `false` also turns off the links to an
   * inspector that was started separately. @default not started; links if one is found
   */
  inspector?: boolean | LocalInspectorOptions
  /** Whether to send to Langfuse; `false` sends to the mirrors only. @default true */
  langfuse?: boolean
  /**
   * Whether to observe every LLM call on the wire, of any SDK and of `fetch`: `'metadata'` without contents, `false` not at all.
   * @default true
   */
  llmCalls?: LlmCallsMode | LlmCallsOptions
  /** Whether to mark the root observation of a request, and only it, with `gen_ai.is_entry`. @default false */
  llmEntry?: boolean
  /**
   * Sends as soon as a request is decided, for platforms that freeze a process between requests: `true`, or the platform's `waitUntil`.
   * @default false
   */
  flushAfterRequest?: boolean | ((flushed: Promise<unknown>) => void)
  /** Gets the observations instead of Langfuse, already masked and filtered. No keys are needed. */
  exporter?: TracingExporter
  /**
   * Whether our tracer provider is OpenTelemetry's global one: `'own'` never, `'global'` from the start.
   * @default from the first span on, if no other provider is registered by then
   */
  provider?: 'own' | 'global'
  /** Whether to upload base64 media in inputs and outputs to Langfuse. @default LANGFUSE_MEDIA_UPLOAD_ENABLED, else true */
  media?: boolean
  /**
   * Hosts to which outgoing `node:http`, `fetch` and undici requests carry the trace: names, `*.suffix` patterns, regular expressions, a
   * predicate of the URL, `true` for all or `false` for none.
   * @default loopback, private addresses, single-label names, .internal, .local, .svc and similar
   */
  propagateTo?: PropagateTo
  /** `timeoutMs` limits a shutdown, 5000 by default; `signals: false` adds no listeners for SIGTERM and SIGINT. */
  shutdown?: { timeoutMs?: number; signals?: boolean }
  /** Receives our log lines. @default console */
  logger?: Logger
}

/** Limits of the memory for requests that are not yet decided. Past a limit, the oldest are decided early. */
export interface BufferOptions {
  /** Observations per request. @default 1000 */
  maxSpansPerTrace?: number
  /** Bytes per request. @default 8 MiB */
  maxBytesPerTrace?: number
  /** Requests at once. @default 10000 */
  maxTraces?: number
  /** Bytes in total. @default 64 MiB */
  maxBytes?: number
  /** Age in milliseconds at which a request is decided, whether or not it has ended. @default 300000 */
  maxAgeMs?: number
}

/** Where the default of a tracing option comes from: its environment variables, or the tier. */
export type TracingSource = SamplingSource

type FlushOptions = NonNullable<TracingOptions['flush']>
type ShutdownOptions = NonNullable<TracingOptions['shutdown']>

/** The options whose resolved type differs from what the code may set. */
interface Changed {
  publicKey: string | undefined
  secretKey: string | undefined
  baseUrl: string | undefined
  release: string | undefined
  version: string | undefined
  serviceName: string | undefined
  sampling: Sampling
  flush: Readonly<Required<FlushOptions>>
  buffer: Readonly<Required<BufferOptions>>
  mask: TracingOptions['mask'] | undefined
  delivery: DeliveryConfig
  mirrors: readonly MirrorConfig[]
  /** The queue, or its URL. */
  queue: Transport | string | undefined
  inspector: boolean | Required<LocalInspectorOptions> | undefined
  llmCalls: LlmCallsConfig
  exporter: TracingExporter | undefined
  provider: 'default' | 'own' | 'global'
  /** Undefined for nowhere. */
  propagateTo: ((url: URL) => boolean) | undefined
  shutdown: Readonly<Required<ShutdownOptions>>
}

/** TracingOptions with their defaults. */
export type ResolvedTracingOptions = {
  readonly [Name in keyof Required<TracingOptions>]: Name extends keyof Changed
    ? Changed[Name]
    : Exclude<TracingOptions[Name], undefined>
}

const MEBIBYTE = 1024 * 1024

const BUFFER_OPTIONS: OptionTable<BufferOptions> = {
  maxSpansPerTrace: { check: atLeast(1, { infinite: true }), default: 1_000 },
  maxBytesPerTrace: { check: atLeast(1, { infinite: true }), default: 8 * MEBIBYTE },
  maxTraces: { check: atLeast(1, { infinite: true }), default: 10_000 },
  maxBytes: { check: atLeast(1, { infinite: true }), default: 64 * MEBIBYTE },
  maxAgeMs: { check: atLeast(1, { infinite: true }), default: 300_000 },
}

const seconds = numberFrom(between(0.001, 2_147_483))

const FLUSH_OPTIONS: OptionTable<FlushOptions, Required<FlushOptions>, TracingSource> = {
  at: {
    check: atLeast(1),
    variables: ['LANGFUSE_FLUSH_AT'],
    read: numberFrom(atLeast(1)),
    derive: ({ tier }) => tier.flushAt,
  },
  intervalMs: {
    check: milliseconds(1),
    variables: ['LANGFUSE_FLUSH_INTERVAL'],
    read: (name, value) => 1_000 * seconds(name, value),
    derive: ({ tier }) => tier.flushIntervalMs,
  },
}

const SHUTDOWN_OPTIONS: OptionTable<ShutdownOptions> = {
  timeoutMs: { check: milliseconds(0), default: 5_000 },
  signals: { check: flag, default: true },
}

const environment: Check<string> = (path, value) =>
  typeof value === 'string' && /^(?!langfuse)[a-z0-9_-]{1,40}$/.test(value)
    ? value
    : invalid(path, 'up to 40 of a-z, 0-9, - and _, not starting with "langfuse"', value)

const exporter: Check<TracingExporter> = (path, value) => {
  const checked = withMethods<TracingExporter>('export', 'shutdown')(path, value)
  if (checked.exportScore !== undefined) callback()(`${path}.exportScore`, checked.exportScore)
  return checked
}

const queue: Check<Transport> = (path, value) => {
  const { spans, scores } = (isRecord(value) ? value : {}) as Partial<Transport>
  if (typeof spans === 'function' && typeof scores === 'function') return value as Transport
  return invalid(path, 'kafkaQueue(…), sqsQueue(…) or redisQueue(…) of @langfuse-middleware/queue', value)
}

const flushAfterRequest: Check<ResolvedTracingOptions['flushAfterRequest']> = (path, value) =>
  typeof value === 'boolean' || typeof value === 'function'
    ? (value as ResolvedTracingOptions['flushAfterRequest'])
    : invalid(path, 'true, false or a function that takes a promise', value)

/**
 * Every option of the process. To add one: a line in `TracingOptions`, an entry here, a row in the README. The types and
 * `test/option-tables.test.ts` name the one that is missing.
 */
export const TRACING_OPTIONS: OptionTable<TracingOptions, ResolvedTracingOptions, TracingSource> = {
  enabled: { check: flag, variables: ['LANGFUSE_TRACING_ENABLED'], read: flagFrom, default: true },
  publicKey: { check: text(), variables: ['LANGFUSE_PUBLIC_KEY'], default: undefined },
  secretKey: { check: text(), variables: ['LANGFUSE_SECRET_KEY'], default: undefined },
  baseUrl: {
    check: (path, value) => {
      httpUrl(path, value)
      return String(value).replace(/\/+$/, '')
    },
    variables: ['LANGFUSE_BASE_URL', 'LANGFUSE_HOST', 'LANGFUSE_BASEURL'],
    default: undefined,
  },
  environment: {
    check: environment,
    variables: ['LANGFUSE_TRACING_ENVIRONMENT', 'NODE_ENV'],
    read: (name, value) => environment(name, name === 'NODE_ENV' ? environmentOf(String(value)) : value),
    default: 'development',
  },
  release: { check: text(), variables: ['LANGFUSE_RELEASE'], default: undefined },
  version: { check: text(), default: undefined },
  serviceName: { check: text(), variables: ['OTEL_SERVICE_NAME'], default: undefined },
  tier: { check: oneOf<Tier>('starter', 'growth', 'enterprise'), default: 'starter' },
  sampling: group<SamplingOptions, Sampling, SamplingSource>(SAMPLING_OPTIONS),
  emptyRequests: { check: oneOf('keep', 'drop'), default: 'keep' },
  flush: group<FlushOptions, Required<FlushOptions>, TracingSource>(FLUSH_OPTIONS),
  buffer: group<BufferOptions, Required<BufferOptions>>(BUFFER_OPTIONS),
  waitUntilTimeoutMs: { check: milliseconds(0), default: 60_000 },
  mask: { check: callback<NonNullable<TracingOptions['mask']>>(), default: undefined },
  delivery: group<DeliveryOptions, DeliveryConfig>(DELIVERY_OPTIONS),
  mirrors: { check: resolveMirrors, default: [], group: MIRROR_OPTIONS },
  queue: { check: queue, variables: ['LANGFUSE_QUEUE_URL'], read: text(), default: undefined },
  inspector: { check: checkInspector, default: undefined, group: INSPECTOR_OPTIONS },
  langfuse: { check: flag, default: true },
  llmCalls: {
    check: resolveLlmCalls,
    derive: () => resolveLlmCalls('llmCalls', true),
    group: LLM_CALLS_OPTIONS,
  },
  llmEntry: { check: flag, default: false },
  flushAfterRequest: { check: flushAfterRequest, default: false },
  exporter: { check: exporter, default: undefined },
  provider: { check: oneOf('own', 'global'), default: 'default' },
  media: { check: flag, variables: ['LANGFUSE_MEDIA_UPLOAD_ENABLED'], read: flagFrom, default: true },
  propagateTo: { check: resolvePropagateTo, derive: () => resolvePropagateTo('propagateTo', undefined) },
  shutdown: group<ShutdownOptions, Required<ShutdownOptions>>(SHUTDOWN_OPTIONS),
  logger: { check: withMethods<Logger>('info', 'warn', 'error'), default: console },
}
