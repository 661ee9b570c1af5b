import {
  type Check,
  callback,
  checkNames,
  checkTable,
  flag,
  invalid,
  isRecord,
  listOf,
  type OptionSource,
  type OptionTable,
  oneOf,
  resolveTable,
  text,
} from '@langfuse-middleware/delivery/options'
import type { Log } from '../basics/logger.ts'
import { A_BOOLEAN, type Accepts, callOption } from '../basics/option-callback.ts'
import {
  CAPTURE_OPTIONS,
  type CaptureOptions,
  NO_CAPTURE,
  resolveCapture,
} from '../capture/capture-options.ts'
import type { Level, Outcome } from '../http/outcome.ts'
import type { RequestLike } from '../http/request-like.ts'
import { TRACE_HEADERS } from '../propagation/trace-headers.ts'
import { type Identity, type IdentityOption, resolveIdentity } from './identity.ts'
import { type IgnoreOption, resolveIgnore } from './ignore.ts'
import { type LlmCallsMode, llmCallsMode } from './llm-calls-options.ts'
import { checkSampling, SAMPLING_OPTIONS, type SamplingOptions } from './sampling.ts'
import { TRACING_OPTIONS, type TracingOptions } from './tracing-options.ts'

/** A type that Langfuse gives an observation. */
const OBSERVATION_TYPES = [
  'span',
  'agent',
  'chain',
  'tool',
  'retriever',
  'evaluator',
  'guardrail',
  'generation',
  'embedding',
  'event',
] as const

export type ObservationType = (typeof OBSERVATION_TYPES)[number]

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
   * Callers whose trace is joined, with the user and session they name: none, all, or by a predicate. A trace is joined only if the caller
   * claims, in `baggage` or `x-langfuse-trace-id`, that it is in Langfuse. With `'traceparent'`, or a predicate that returns it, every valid
   * `traceparent` is joined: of a gateway, or a service with plain OpenTelemetry, whose own spans Langfuse does not have. The trace of any
   * other caller is only linked. @default false
   */
  trust?: boolean | 'traceparent' | ((request: Request) => boolean | 'traceparent')
  /**
   * Id of a request's trace, such as `createTraceId(seed)` of `@langfuse/tracing` makes: 32 lowercase hex digits. Others are refused and
   * counted. @default a generated one
   */
  traceId?: (request: Request) => string | undefined
  /** Type of the root observation in Langfuse. @default span */
  type?: ObservationType
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
  /** Type of the root observation in Langfuse. @default the one of the adapter's options */
  type?: ObservationType
  /** Tags besides the global ones. */
  tags?: readonly string[]
  /** Metadata besides the global. */
  metadata?: Record<string, unknown>
  /** Sampling of this route, over the global. */
  sampling?: SamplingOptions
  /** What is captured of this route, over the global. */
  capture?: CaptureOptions
  /** How LLM calls of this route are observed, over the global option. */
  llmCalls?: LlmCallsMode
  /** Whether `signal` aborts when the client leaves; `false` for work that is to be finished all the same. @default true */
  abortOnDisconnect?: boolean
}

/** RequestOptions with everything decided. */
export interface RequestConfig {
  readonly ignore: ((path: string, request: RequestLike) => boolean) | undefined
  readonly identity: Identity<RequestLike>
  readonly trust: (request: RequestLike) => boolean | 'traceparent'
  readonly traceId: ((request: RequestLike) => string | undefined) | undefined
  readonly type: ObservationType | undefined
  readonly traceIdHeader: string | undefined
  readonly tags: readonly string[] | ((request: RequestLike) => readonly string[]) | undefined
  readonly metadata: Record<string, unknown> | ((request: RequestLike) => Record<string, unknown>) | undefined
  readonly level: ((outcome: Outcome, error: unknown) => Level | undefined) | undefined
  readonly capture: CaptureOptions | undefined
}

/** What is logged about requests whose options fail. */
interface RequestSource extends OptionSource {
  readonly log: Log
}

const texts = listOf(text(), 'a list of strings')

const metadata: Check<Record<string, unknown>> = (path, value) =>
  isRecord(value) ? value : invalid(path, 'an object', value)

/** A value, or a function of the request, whose result is checked with each request. */
function perRequest<Value, Request>(
  check: Check<Value>,
  expectation: string,
): Check<Value | ((request: Request) => Value)> {
  return (path, value) => {
    if (typeof value === 'function') return value as (request: Request) => Value
    return typeof value === 'object' && value !== null
      ? check(path, value)
      : invalid(path, expectation, value)
  }
}

function checkCapture(path: string, value: unknown): CaptureOptions {
  resolveCapture(value as CaptureOptions, NO_CAPTURE, path)
  return value as CaptureOptions
}

const A_TRACE_ID: Accepts<string | undefined> = {
  what: '32 lowercase hex digits',
  test: (value): value is string | undefined =>
    value === undefined || (typeof value === 'string' && /^(?!0{32})[0-9a-f]{32}$/.test(value)),
}

const traceId = (path: string, value: unknown, { log }: RequestSource): RequestConfig['traceId'] => {
  if (typeof value !== 'function') return invalid(path, 'a function', value)
  return request => callOption(log, 'traceId', A_TRACE_ID, undefined, () => value(request))
}

const A_TRUST: Accepts<boolean | 'traceparent' | undefined> = {
  what: "true, false or 'traceparent'",
  test: (value): value is boolean | 'traceparent' | undefined =>
    value === 'traceparent' || A_BOOLEAN.test(value),
}

const trust = (path: string, value: unknown, { log }: RequestSource): RequestConfig['trust'] => {
  if (typeof value === 'boolean' || value === 'traceparent') return () => value
  if (typeof value !== 'function') return invalid(path, "true, false, 'traceparent' or a function", value)
  return request => callOption(log, 'trust', A_TRUST, false, () => value(request)) ?? false
}

const traceIdHeader: Check<string | undefined> = (path, value) => {
  if (value === false) return undefined
  if (typeof value === 'string' && /^[\w-]+$/.test(value)) return value
  return invalid(path, 'a header name or false', value)
}

/** Every option of an adapter: how it traces requests. To add one, see `TRACING_OPTIONS`. */
export const REQUEST_OPTIONS: OptionTable<RequestOptions, RequestConfig, RequestSource> = {
  ignore: { check: resolveIgnore, default: undefined },
  identity: {
    check: (_path, value, { log }) => resolveIdentity(value as IdentityOption<RequestLike>, log),
    derive: ({ log }) => resolveIdentity(undefined, log),
  },
  tags: { check: perRequest(texts, 'a list of strings or a function'), default: undefined },
  metadata: { check: perRequest(metadata, 'an object or a function'), default: undefined },
  trust: { check: trust, default: () => false },
  traceId: { check: traceId, default: undefined },
  type: { check: oneOf(...OBSERVATION_TYPES), default: undefined },
  traceIdHeader: { check: traceIdHeader, default: TRACE_HEADERS.traceId },
  level: { check: callback<NonNullable<RequestConfig['level']>>(), default: undefined },
  capture: { check: checkCapture, default: undefined, group: CAPTURE_OPTIONS },
}

/** Every option of a route. To add one, see `TRACING_OPTIONS`. */
export const ROUTE_OPTIONS: OptionTable<RouteOptions, Required<RouteOptions>> = {
  name: { check: text() },
  type: { check: oneOf(...OBSERVATION_TYPES) },
  tags: { check: texts },
  metadata: { check: metadata },
  sampling: {
    check: (path, value) => checkSampling(path, value) as SamplingOptions,
    group: SAMPLING_OPTIONS,
  },
  capture: { check: checkCapture, group: CAPTURE_OPTIONS },
  llmCalls: { check: llmCallsMode },
  abortOnDisconnect: { check: flag, default: true },
}

/** Splits an adapter's options into those of the process (undefined if there are none) and those of requests. */
export function splitOptions<Request>(options: MiddlewareOptions<Request>): {
  tracing: TracingOptions | undefined
  requests: RequestOptions<Request>
} {
  checkNames('options', options, [...Object.keys(REQUEST_OPTIONS), ...Object.keys(TRACING_OPTIONS)])
  const tracing: Record<string, unknown> = {}
  const requests: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const group = Object.hasOwn(REQUEST_OPTIONS, name) ? requests : tracing
    group[name] = value
  }
  return { tracing: Object.keys(tracing).length === 0 ? undefined : tracing, requests }
}

/**
 * Resolves an adapter's own options. Callbacks that fail at request time are reported to `log`.
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION, LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION
 */
export function resolveRequestOptions<Request extends RequestLike>(
  options: RequestOptions<Request>,
  log: Log,
): RequestConfig {
  const source: RequestSource = { log, variable: () => undefined }
  return resolveTable<RequestOptions, RequestConfig, RequestSource>('', options, REQUEST_OPTIONS, source)
}

/**
 * Checks the options of a route when the route is defined.
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION, LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION
 */
export function checkRouteOptions(options: RouteOptions): void {
  if (!isRecord(options)) invalid('route options', 'an object or false', options)
  checkTable<RouteOptions, Required<RouteOptions>, OptionSource>('route options', options, ROUTE_OPTIONS)
}
