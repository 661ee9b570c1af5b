import { flag, invalid, knownKeys, numberBetween } from '../basics/validation.ts'
import type { RequestEnd } from '../http/outcome.ts'

/** What a `keep` predicate sees of a finished request or job. */
export interface TraceSummary {
  readonly name: string
  readonly route: string | undefined
  readonly statusCode: number | undefined
  readonly end: RequestEnd
  readonly durationMs: number
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  readonly tags: readonly string[]
  /** Observations under the root. */
  readonly observations: number
  /** Scores given within the request. */
  readonly scores: number
  /** Whether the root or anything under it failed. */
  readonly failed: boolean
}

/** Which traces are kept; whatever is kept is kept whole. */
export interface SamplingOptions {
  /** Share of traces kept on no other ground, 0 to 1, decided by the trace id so that services at one rate agree. @default by tier and environment */
  rate?: number
  /** Keep a trace in which anything failed, at any rate. @default true */
  keepErrors?: boolean
  /** Keep a trace whose request took at least this many milliseconds, at any rate. */
  keepSlowerThanMs?: number
  /** Keep a trace whose client left before the end, at any rate. @default false */
  keepAborted?: boolean
  /** Keep a trace for which this returns true, at any rate. */
  keep?: (trace: TraceSummary) => boolean
}

/** Sampling with its defaults filled in. */
export interface Sampling {
  readonly rate: number
  readonly keepErrors: boolean
  readonly keepSlowerThanMs: number
  readonly keepAborted: boolean
  readonly keep: ((trace: TraceSummary) => boolean) | undefined
}

/** Validates `options` over `defaults`. */
export function resolveSampling(options: SamplingOptions | undefined, defaults: Sampling): Sampling {
  if (options === undefined) return defaults
  knownKeys('sampling', options, ['rate', 'keepErrors', 'keepSlowerThanMs', 'keepAborted', 'keep'])
  const { rate, keepErrors, keepSlowerThanMs, keepAborted, keep } = options
  if (keep !== undefined && typeof keep !== 'function') invalid('sampling.keep', 'a function', keep)
  return {
    rate: rate === undefined ? defaults.rate : numberBetween('sampling.rate', rate, 0, 1),
    keepErrors: keepErrors === undefined ? defaults.keepErrors : flag('sampling.keepErrors', keepErrors),
    keepSlowerThanMs:
      keepSlowerThanMs === undefined
        ? defaults.keepSlowerThanMs
        : numberBetween('sampling.keepSlowerThanMs', keepSlowerThanMs, 0, Number.POSITIVE_INFINITY),
    keepAborted: keepAborted === undefined ? defaults.keepAborted : flag('sampling.keepAborted', keepAborted),
    keep: keep ?? defaults.keep,
  }
}

/** Whether a trace is dropped before it starts: the trace id alone decides, and decides against it. */
export function isSkippedAtStart(traceId: string, sampling: Sampling): boolean {
  const decidedAtEnd =
    sampling.keepErrors ||
    sampling.keepAborted ||
    sampling.keep !== undefined ||
    sampling.keepSlowerThanMs !== Number.POSITIVE_INFINITY
  return !decidedAtEnd && !isSampled(traceId, sampling.rate)
}

const RANDOM_RANGE = 2 ** 52

/**
 * Whether a trace id falls into the share kept, by its last 13 hex digits: at a higher rate all that a lower rate keeps is kept too.
 * The order is that of OpenTelemetry's consistent probability sampling.
 */
export function isSampled(traceId: string, rate: number): boolean {
  if (rate >= 1) return true
  if (rate <= 0) return false
  return Number.parseInt(traceId.slice(-13), 16) >= (1 - rate) * RANDOM_RANGE
}
