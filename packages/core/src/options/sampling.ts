import {
  atLeast,
  between,
  callback,
  checkTable,
  flag,
  type OptionSource,
  type OptionTable,
} from '@langfuse-middleware/delivery/options'
import type { RequestEnd } from '../http/outcome.ts'
import { numberFrom } from './environment.ts'
import type { TierDefaults } from './tier.ts'

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
  /** Share of traces kept on no other ground, 0 to 1, decided by the trace id so that services at one rate agree. @default LANGFUSE_SAMPLE_RATE, else by tier and environment */
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

/** Where the default of a sampling option comes from. */
export interface SamplingSource extends OptionSource {
  readonly tier: TierDefaults
}

const rate = between(0, 1)

/** Every option of `sampling`. */
export const SAMPLING_OPTIONS: OptionTable<SamplingOptions, Sampling, SamplingSource> = {
  rate: {
    check: rate,
    variables: ['LANGFUSE_SAMPLE_RATE'],
    read: numberFrom(rate),
    derive: ({ tier }) => tier.sampleRate,
  },
  keepErrors: { check: flag, default: true },
  keepSlowerThanMs: { check: atLeast(0, { infinite: true }), default: Number.POSITIVE_INFINITY },
  keepAborted: { check: flag, default: false },
  keep: { check: callback<NonNullable<Sampling['keep']>>(), default: undefined },
}

/** Checks the sampling options of a route. */
export function checkSampling(path: string, options: unknown): Partial<Sampling> {
  return checkTable<SamplingOptions, Sampling, SamplingSource>(path, options, SAMPLING_OPTIONS)
}

const merged = new WeakMap<SamplingOptions, { readonly base: Sampling; readonly sampling: Sampling }>()

/** The sampling of a route: its own options over those in force. Cached, because it is asked for with each request. */
export function samplingOver(options: SamplingOptions | undefined, base: Sampling): Sampling {
  if (options === undefined) return base
  const known = merged.get(options)
  if (known?.base === base) return known.sampling
  const sampling = { ...base, ...checkSampling('sampling', options) }
  merged.set(options, { base, sampling })
  return sampling
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
