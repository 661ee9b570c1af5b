import type { Log } from '../basics/logger.ts'
import { flag, invalid, knownKeys } from '../basics/validation.ts'
import { type CaptureOptions, NO_CAPTURE, resolveCapture } from '../capture/capture-options.ts'
import type { Level, Outcome } from '../http/outcome.ts'
import type { RequestLike } from '../http/request-like.ts'
import { TRACE_HEADERS } from '../propagation/trace-headers.ts'
import { type Identity, type IdentityOption, resolveIdentity } from './identity.ts'
import { type IgnoreOption, resolveIgnore } from './ignore.ts'
import { TRACING_OPTION_NAMES, type TracingOptions } from './resolve-options.ts'
import { resolveSampling, type Sampling, type SamplingOptions } from './sampling.ts'

/** How requests are traced, in any framework. */
export interface RequestOptions<Request = RequestLike> {
  /** Requests that are not traced: paths, globs, expressions or a predicate, checked before anything is created. */
  ignore?: IgnoreOption<Request>
  /**
   * Sources of user, session and request id. Headers are believed unless it is `'authenticated'`, which a public API should set: then user
   * and session are only those that authentication put on the request.
   * @default what authentication put on the request, then x-user-id, x-session-id, x-request-id
   */
  identity?: IdentityOption<Request>
  /** Tags of every trace, or a function of the request. */
  tags?: readonly string[] | ((request: Request) => readonly string[])
  /** Metadata of every trace, or a function of the request. */
  metadata?: Record<string, unknown> | ((request: Request) => Record<string, unknown>)
  /**
   * Callers whose trace this service's part joins, with the user and session they name: all, none, or by a predicate. Any other caller's
   * trace is only linked. @default false
   */
  trust?: boolean | ((request: Request) => boolean)
  /** The response header that names the trace, or `false`. @default x-langfuse-trace-id */
  traceIdHeader?: string | false
  /** Overrides the level of a request's root; undefined leaves it as it is. */
  level?: (outcome: Outcome, error: unknown) => Level | undefined
  /** What traces show of bodies, headers and query values. @default nothing */
  capture?: CaptureOptions
}

/** What an adapter's entry point takes: how to trace requests, and how to start tracing if nothing has. */
export interface MiddlewareOptions<Request = RequestLike> extends RequestOptions<Request>, TracingOptions {}

/** What one route says of itself. */
export interface RouteOptions {
  /** The trace's name. @default METHOD route-template */
  name?: string
  /** Tags besides the global ones. */
  tags?: readonly string[]
  /** Metadata besides the global. */
  metadata?: Record<string, unknown>
  /** Sampling of this route, over the global. */
  sampling?: SamplingOptions
  /** What is captured of this route, over the global. */
  capture?: CaptureOptions
  /** Whether `signal` aborts when the client leaves; `false` for work that is to be finished all the same. @default true */
  abortOnDisconnect?: boolean
}

/** RequestOptions with everything decided. */
export interface RequestConfig {
  readonly ignore: ((path: string, request: RequestLike) => boolean) | undefined
  readonly identity: Identity<RequestLike>
  readonly trust: (request: RequestLike) => boolean
  readonly traceIdHeader: string | undefined
  readonly tags: readonly string[] | ((request: RequestLike) => readonly string[]) | undefined
  readonly metadata: Record<string, unknown> | ((request: RequestLike) => Record<string, unknown>) | undefined
  readonly level: ((outcome: Outcome, error: unknown) => Level | undefined) | undefined
  readonly capture: CaptureOptions | undefined
}

const REQUEST_OPTION_NAMES: readonly (keyof RequestOptions)[] = [
  'ignore',
  'identity',
  'tags',
  'metadata',
  'trust',
  'traceIdHeader',
  'level',
  'capture',
]

/** Splits an adapter's options into those of tracing (undefined when there are none) and those of requests. */
export function splitOptions<Request>(options: MiddlewareOptions<Request>): {
  tracing: TracingOptions | undefined
  requests: RequestOptions<Request>
} {
  knownKeys('options', options, [...REQUEST_OPTION_NAMES, ...TRACING_OPTION_NAMES])
  const tracing: Record<string, unknown> = {}
  const requests: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const group = (REQUEST_OPTION_NAMES as readonly string[]).includes(name) ? requests : tracing
    group[name] = value
  }
  return { tracing: Object.keys(tracing).length === 0 ? undefined : tracing, requests }
}

const HEADER_NAME = /^[\w-]+$/

/** Validates `options`; throws a MiddlewareError on a wrong value. */
export function resolveRequestOptions<Request extends RequestLike>(
  options: RequestOptions<Request>,
  log: Log,
): RequestConfig {
  const { tags, metadata, trust, traceIdHeader, level, capture } = options
  if (tags !== undefined && typeof tags !== 'function' && !isStrings(tags)) {
    invalid('tags', 'a list of strings or a function', tags)
  }
  if (
    metadata !== undefined &&
    (typeof metadata !== 'object' || metadata === null) &&
    typeof metadata !== 'function'
  ) {
    invalid('metadata', 'an object or a function', metadata)
  }
  if (trust !== undefined && typeof trust !== 'boolean' && typeof trust !== 'function') {
    invalid('trust', 'true, false or a function', trust)
  }
  if (traceIdHeader !== undefined && traceIdHeader !== false && !HEADER_NAME.test(String(traceIdHeader))) {
    invalid('traceIdHeader', 'a header name or false', traceIdHeader)
  }
  if (level !== undefined && typeof level !== 'function') invalid('level', 'a function', level)
  if (capture !== undefined) resolveCapture(capture, NO_CAPTURE)
  // From here on a request is what the adapter hands in, which the user's callbacks know by its framework's type.
  return Object.freeze({
    ignore: resolveIgnore(options.ignore),
    identity: resolveIdentity(options.identity, log),
    trust: typeof trust === 'function' ? (request: Request) => trust(request) === true : () => trust === true,
    traceIdHeader: traceIdHeader === false ? undefined : (traceIdHeader ?? TRACE_HEADERS.traceId),
    tags,
    metadata,
    level,
    capture,
  }) as RequestConfig
}

/** Validates what a route says of itself, where the route is defined. */
export function checkRouteOptions(options: RouteOptions): void {
  if (typeof options !== 'object' || options === null) invalid('route options', 'an object or false', options)
  knownKeys('route options', options, [
    'name',
    'tags',
    'metadata',
    'sampling',
    'capture',
    'abortOnDisconnect',
  ])
  const { name, tags, metadata, sampling, capture, abortOnDisconnect } = options
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    invalid('name', 'a string with content', name)
  if (tags !== undefined && !isStrings(tags)) invalid('tags', 'a list of strings', tags)
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null))
    invalid('metadata', 'an object', metadata)
  if (capture !== undefined) resolveCapture(capture, NO_CAPTURE)
  if (abortOnDisconnect !== undefined) flag('abortOnDisconnect', abortOnDisconnect)
  resolveSampling(sampling, ANY_SAMPLING)
}

// What a route's sampling is checked over; the one in force is known only once tracing runs.
const ANY_SAMPLING: Sampling = {
  rate: 1,
  keepErrors: true,
  keepSlowerThanMs: Number.POSITIVE_INFINITY,
  keepAborted: false,
  keep: undefined,
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}
