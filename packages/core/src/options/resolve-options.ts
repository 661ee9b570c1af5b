import type { Transport } from '@langfuse-middleware/delivery'
import type { Logger } from '../basics/logger.ts'
import { flag, httpUrl, invalid, knownKeys, numberBetween, oneOf, text } from '../basics/validation.ts'
import { type PropagateTo, resolvePropagateTo } from '../propagation/propagation-targets.ts'
import type { DeliveryOptions, MirrorOptions } from './delivery-options.ts'
import { type Destination, resolveDestination } from './destination.ts'
import { type Env, type EnvironmentKind, environmentKind, langfuseVariable, present } from './environment.ts'
import { type InspectorConfig, type LocalInspectorOptions, resolveInspector } from './inspector-options.ts'
import { resolveSampling, type Sampling, type SamplingOptions } from './sampling.ts'
import { TIERS, type Tier } from './tier.ts'
import type { TracingExporter } from './tracing-exporter.ts'

/** How tracing works in this process; all of it optional, read once at the start. */
export interface TracingOptions {
  /** Trace at all; `false` loads nothing and records nothing. @default LANGFUSE_TRACING_ENABLED, else true */
  enabled?: boolean
  /** Langfuse's public key. @default LANGFUSE_PUBLIC_KEY_DEV, _STAGING or _PROD, else LANGFUSE_PUBLIC_KEY */
  publicKey?: string
  /** Langfuse's secret key. @default LANGFUSE_SECRET_KEY_DEV, _STAGING or _PROD, else LANGFUSE_SECRET_KEY */
  secretKey?: string
  /** Langfuse's address. @default LANGFUSE_BASE_URL or LANGFUSE_HOST, else https://cloud.langfuse.com */
  baseUrl?: string
  /** Environment shown in Langfuse: up to 40 of `a-z 0-9 - _`. @default LANGFUSE_TRACING_ENVIRONMENT, NODE_ENV, else development */
  environment?: string
  /** Release shown in Langfuse. @default LANGFUSE_RELEASE */
  release?: string
  /** Version of the traced code, on every observation. */
  version?: string
  /** Name of this service, on every observation's resource. @default OTEL_SERVICE_NAME */
  serviceName?: string
  /** How much traffic the app has; sets sampling and batching. @default starter */
  tier?: Tier
  /** Which traces are kept. @default by tier and environment, errors always */
  sampling?: SamplingOptions
  /** What to do with a request under which nothing was observed and nothing failed. @default keep */
  emptyRequests?: 'keep' | 'drop'
  /** Batching: a batch leaves when `at` observations wait or `intervalMs` milliseconds passed. @default by tier */
  flush?: { at?: number; intervalMs?: number }
  /** Bounds of what is held until a request is decided. */
  buffer?: BufferOptions
  /** How long `waitUntil` may keep a trace open after its response, in milliseconds. @default 60000 */
  waitUntilTimeoutMs?: number
  /** Rewrites every serialised input, output and value of metadata before it leaves; what it throws on is hidden. */
  mask?: (params: { data: unknown }) => unknown
  /** How observations travel to Langfuse: bounds, breaker, and a spool on disk. */
  delivery?: DeliveryOptions
  /**
   * Message queue that takes observations and scores instead of Langfuse: `kafkaQueue(…)`, `sqsQueue(…)` or `redisQueue(…)` of
   * `@langfuse-middleware/queue`, whose workers deliver them. Only the public key is needed here. @default the one at LANGFUSE_QUEUE_URL, if set
   */
  queue?: Transport
  /** Other OTLP backends that get the same observations, each through an outbox of its own. */
  mirrors?: readonly MirrorOptions[]
  /**
   * Bring the local inspector along in development: the destination where there are no keys, else a mirror. `false` also keeps links to an
   * inspector that runs beside from the log. @default none of its own, links where one is found
   */
  inspector?: boolean | LocalInspectorOptions
  /** Send to Langfuse; `false` sends to the mirrors alone. @default true */
  langfuse?: boolean
  /** Mark the entry observation of a request, and only it, with `gen_ai.is_entry`. @default false */
  llmEntry?: boolean
  /** Send as soon as a request is decided, for platforms that freeze a process between requests: `true`, or the platform's `waitUntil`. */
  flushAfterRequest?: boolean | ((flushed: Promise<unknown>) => void)
  /** Where observations go instead of Langfuse, already masked and filtered; no keys are needed then. */
  exporter?: TracingExporter
  /**
   * Whether our tracer provider is OpenTelemetry's global one: `'own'` never, `'global'` from the start.
   * @default from the first span on, if no other provider is registered by then
   */
  provider?: 'own' | 'global'
  /** Upload base64 media found in inputs and outputs to Langfuse. @default true */
  media?: boolean
  /**
   * Hosts to which outgoing `node:http`, `fetch` and undici requests carry the trace: names, `*.suffix` patterns, expressions, a predicate
   * of the URL, or none or all. @default loopback, private addresses, names of one label, .internal, .local, .svc and the like
   */
  propagateTo?: PropagateTo
  /** `timeoutMs` is how long a shutdown may take, 5000 by default; `signals: false` leaves SIGTERM and SIGINT alone. */
  shutdown?: { timeoutMs?: number; signals?: boolean }
  /** Where our few lines go. @default console */
  logger?: Logger
}

/** Bounds of what is held in memory for requests not yet decided; past one, the oldest are decided early. */
export interface BufferOptions {
  /** Observations held for one request. @default 1000 */
  maxSpansPerTrace?: number
  /** Bytes held for one request. @default 8 MiB */
  maxBytesPerTrace?: number
  /** Requests tracked at once. @default 10000 */
  maxTraces?: number
  /** Bytes held in all. @default 64 MiB */
  maxBytes?: number
  /** How long a request is held before it is decided on what is known, in milliseconds. @default 300000 */
  maxAgeMs?: number
}

/** TracingOptions with everything decided. */
export interface TracingConfig {
  readonly enabled: boolean
  readonly destination: Destination
  readonly environment: string
  readonly release: string | undefined
  readonly version: string | undefined
  readonly serviceName: string | undefined
  readonly tier: Tier
  readonly sampling: Sampling
  readonly emptyRequests: 'keep' | 'drop'
  readonly flush: { readonly at: number; readonly intervalMs: number }
  readonly buffer: Readonly<Required<BufferOptions>>
  readonly waitUntilTimeoutMs: number
  readonly mask: ((params: { data: unknown }) => unknown) | undefined
  readonly delivery: DeliveryOptions
  /** The queue, or its URL. */
  readonly queue: Transport | string | undefined
  readonly mirrors: readonly MirrorOptions[]
  readonly inspector: InspectorConfig
  readonly llmEntry: boolean
  readonly flushAfterRequest: boolean | ((flushed: Promise<unknown>) => void)
  readonly exporter: TracingExporter | undefined
  readonly provider: 'default' | 'own' | 'global'
  readonly media: boolean
  /** Undefined for nowhere. */
  readonly propagateTo: ((url: URL) => boolean) | undefined
  readonly shutdown: { readonly timeoutMs: number; readonly signals: boolean }
  readonly logger: Logger
}

/** The keys of TracingOptions, to tell them from an adapter's own. */
export const TRACING_OPTION_NAMES: readonly (keyof TracingOptions)[] = [
  'enabled',
  'publicKey',
  'secretKey',
  'baseUrl',
  'environment',
  'release',
  'version',
  'serviceName',
  'tier',
  'sampling',
  'emptyRequests',
  'flush',
  'buffer',
  'waitUntilTimeoutMs',
  'mask',
  'delivery',
  'queue',
  'mirrors',
  'inspector',
  'langfuse',
  'llmEntry',
  'flushAfterRequest',
  'exporter',
  'provider',
  'media',
  'propagateTo',
  'shutdown',
  'logger',
]

const ENVIRONMENT_NAME = /^(?!langfuse)[a-z0-9_-]{1,40}$/
const MEBIBYTE = 1024 * 1024

/** Decides every option: code beats environment variables beats tier. Throws a MiddlewareError on a wrong value. */
export function resolveOptions(options: TracingOptions = {}, env: Env = process.env): TracingConfig {
  knownKeys('options', options, TRACING_OPTION_NAMES)
  knownKeys('flush', options.flush, ['at', 'intervalMs'])
  knownKeys('shutdown', options.shutdown, ['timeoutMs', 'signals'])

  const environment = resolveEnvironment(options.environment, env)
  const kind = environmentKind(environment)
  const tier = oneOf('tier', options.tier ?? 'starter', ['starter', 'growth', 'enterprise'] as const)
  const defaults = TIERS[tier]
  const read = (name: string) => langfuseVariable(env, name, kind)
  const inspector = resolveInspector(options.inspector, env, kind)

  const sampleRate = read('SAMPLE_RATE')
  const flushAt = options.flush?.at ?? read('FLUSH_AT') ?? defaults.flushAt
  const flushIntervalMs =
    options.flush?.intervalMs ?? secondsVariable(read('FLUSH_INTERVAL')) ?? defaults.flushIntervalMs
  if (options.mask !== undefined && typeof options.mask !== 'function')
    invalid('mask', 'a function', options.mask)

  return Object.freeze({
    enabled: flag('enabled', options.enabled ?? read('TRACING_ENABLED') ?? true),
    destination: destinationOf(options, env, kind, inspector),
    environment,
    release: options.release === undefined ? read('RELEASE') : text('release', options.release),
    version: options.version === undefined ? undefined : text('version', options.version),
    serviceName:
      options.serviceName === undefined
        ? present(env.OTEL_SERVICE_NAME)
        : text('serviceName', options.serviceName),
    tier,
    sampling: resolveSampling(options.sampling, {
      rate:
        sampleRate === undefined
          ? defaults.sampleRate[kind]
          : numberBetween('LANGFUSE_SAMPLE_RATE', sampleRate, 0, 1),
      keepErrors: true,
      keepSlowerThanMs: Number.POSITIVE_INFINITY,
      keepAborted: false,
      keep: undefined,
    }),
    emptyRequests: oneOf('emptyRequests', options.emptyRequests ?? 'keep', ['keep', 'drop'] as const),
    flush: {
      at: numberBetween('flush.at', flushAt, 1, Number.POSITIVE_INFINITY),
      intervalMs: numberBetween('flush.intervalMs', flushIntervalMs, 1, Number.POSITIVE_INFINITY),
    },
    buffer: resolveBuffer(options.buffer),
    waitUntilTimeoutMs: numberBetween(
      'waitUntilTimeoutMs',
      options.waitUntilTimeoutMs ?? 60_000,
      0,
      2 ** 31 - 1,
    ),
    mask: options.mask,
    delivery: resolveDelivery(options.delivery),
    queue: options.exporter === undefined ? resolveQueue(options.queue, read('QUEUE_URL')) : undefined,
    mirrors: (options.mirrors ?? []).map(resolveMirror),
    inspector,
    llmEntry: flag('llmEntry', options.llmEntry ?? false),
    flushAfterRequest: resolveFlushAfterRequest(options.flushAfterRequest),
    exporter: options.exporter,
    provider:
      options.provider === undefined
        ? 'default'
        : oneOf('provider', options.provider, ['own', 'global'] as const),
    media: flag('media', options.media ?? read('MEDIA_UPLOAD_ENABLED') ?? true),
    propagateTo: options.propagateTo === false ? undefined : resolvePropagateTo(options.propagateTo),
    shutdown: {
      timeoutMs: numberBetween('shutdown.timeoutMs', options.shutdown?.timeoutMs ?? 5_000, 0, 2 ** 31 - 1),
      signals: flag('shutdown.signals', options.shutdown?.signals ?? true),
    },
    logger: resolveLogger(options.logger),
  })
}

function destinationOf(
  options: TracingOptions,
  env: Env,
  kind: EnvironmentKind,
  inspector: InspectorConfig,
): Destination {
  if (options.exporter !== undefined) {
    if (options.mirrors !== undefined) invalid('mirrors', 'absent where exporter is given', options.mirrors)
    if (options.inspector) invalid('inspector', 'absent where exporter is given', options.inspector)
    if (options.queue !== undefined) invalid('queue', 'absent if exporter is given', options.queue)
    return { kind: 'exporter' }
  }
  const queue = options.queue ?? langfuseVariable(env, 'QUEUE_URL', kind)
  if (flag('langfuse', options.langfuse ?? true))
    return resolveDestination(options, env, kind, inspector, queue !== undefined)
  if (options.mirrors === undefined || options.mirrors.length === 0) {
    invalid('langfuse', 'true where there are no mirrors', options.langfuse)
  }
  return { kind: 'mirrors' }
}

function resolveDelivery(options: DeliveryOptions = {}): DeliveryOptions {
  knownKeys('delivery', options, [
    'maxBytes',
    'maxBatchBytes',
    'maxInFlight',
    'breaker',
    'timeoutMs',
    'spool',
  ])
  return Object.freeze({ ...options })
}

function resolveQueue(
  option: Transport | undefined,
  url: string | undefined,
): Transport | string | undefined {
  if (option === undefined) return url
  if (typeof option?.spans === 'function' && typeof option.scores === 'function') return option
  return invalid('queue', 'kafkaQueue(…), sqsQueue(…) or redisQueue(…) of @langfuse-middleware/queue', option)
}

function resolveMirror(mirror: MirrorOptions): MirrorOptions {
  knownKeys('mirrors', mirror, ['url', 'protocol', 'headers', 'resourceAttributes'])
  httpUrl('mirrors.url', mirror.url)
  oneOf('mirrors.protocol', mirror.protocol ?? 'http/protobuf', ['http/protobuf', 'grpc'] as const)
  return Object.freeze({ ...mirror })
}

function resolveFlushAfterRequest(
  option: TracingOptions['flushAfterRequest'],
): TracingConfig['flushAfterRequest'] {
  if (option === undefined || typeof option === 'boolean' || typeof option === 'function')
    return option ?? false
  return invalid('flushAfterRequest', 'true, false or a function that takes a promise', option)
}

function resolveEnvironment(option: string | undefined, env: Env): string {
  if (option !== undefined) return environmentName('environment', option)
  const variable = present(env.LANGFUSE_TRACING_ENVIRONMENT)
  if (variable !== undefined) return environmentName('LANGFUSE_TRACING_ENVIRONMENT', variable)
  return environmentName('NODE_ENV', present(env.NODE_ENV)?.toLowerCase() ?? 'development')
}

function environmentName(source: string, value: string): string {
  if (typeof value === 'string' && ENVIRONMENT_NAME.test(value)) return value
  return invalid(source, 'up to 40 of a-z, 0-9, - and _, not starting with "langfuse"', value)
}

function secondsVariable(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  return 1_000 * numberBetween('LANGFUSE_FLUSH_INTERVAL', value, 0.001, Number.POSITIVE_INFINITY)
}

function resolveBuffer(options: BufferOptions = {}): Required<BufferOptions> {
  const defaults: Required<BufferOptions> = {
    maxSpansPerTrace: 1_000,
    maxBytesPerTrace: 8 * MEBIBYTE,
    maxTraces: 10_000,
    maxBytes: 64 * MEBIBYTE,
    maxAgeMs: 300_000,
  }
  const names = Object.keys(defaults) as (keyof BufferOptions)[]
  knownKeys('buffer', options, names)
  for (const name of names) {
    const value = options[name]
    if (value !== undefined)
      defaults[name] = numberBetween(`buffer.${name}`, value, 1, Number.POSITIVE_INFINITY)
  }
  return Object.freeze(defaults)
}

function resolveLogger(logger: Logger | undefined): Logger {
  if (logger === undefined) return console
  for (const level of ['info', 'warn', 'error'] as const) {
    if (typeof logger?.[level] !== 'function') {
      invalid('logger', 'an object with the functions info, warn and error', logger)
    }
  }
  return logger
}
