import {
  between,
  callback,
  flag,
  integer,
  milliseconds,
  type OptionSource,
  type OptionTable,
  resolveTable,
  text,
} from '@langfuse-middleware/delivery/options'
import type { ReadSpan } from './span-reader.ts'

/** Decides per distributed trace, once no span of it has come for a while. Apps then send everything. */
export interface TailSamplingOptions {
  /** Share of the traces kept that nothing else keeps, from 0 to 1; the same traces in every worker. */
  rate: number
  /** Keep every trace in which a span of any service failed. @default true */
  keepErrors?: boolean | undefined
  /** Keep every trace that took at least so many milliseconds from its first start to its last end. @default none */
  keepSlowerThanMs?: number | undefined
  /** Keeps a trace that it returns true for; one that it throws on is kept. @default none */
  keep?: ((trace: SampledTrace) => boolean) | undefined
  /** Time in ms without another span after which a trace is decided. @default 10000 */
  quietMs?: number | undefined
  /** Longest time in ms that a trace is held. @default 120000 */
  maxTraceMs?: number | undefined
  /** Directory of the decisions, for spans that come after a restart; each worker needs its own. */
  directory: string
  /** Decisions remembered; 17 bytes on disk and about 100 in memory each. @default 1000000 */
  maxDecisions?: number | undefined
}

/** A trace that is decided. */
export interface SampledTrace {
  readonly traceId: string
  readonly spans: readonly ReadSpan[]
  readonly failed: boolean
  /** From the first start to the last end, in ms, by the clocks of the services. */
  readonly durationMs: number
}

type Optional = 'keepSlowerThanMs' | 'keep'

/** Options with everything decided. */
export type TailSamplingConfig = {
  readonly [Name in keyof TailSamplingOptions]-?: Name extends Optional
    ? TailSamplingOptions[Name]
    : NonNullable<TailSamplingOptions[Name]>
}

const TAIL_SAMPLING_OPTIONS: OptionTable<TailSamplingOptions, TailSamplingConfig> = {
  rate: { check: between(0, 1) },
  keepErrors: { check: flag, default: true },
  keepSlowerThanMs: { check: between(0, Number.POSITIVE_INFINITY), default: undefined },
  keep: { check: callback<(trace: SampledTrace) => boolean>(), default: undefined },
  quietMs: { check: milliseconds(1), default: 10_000 },
  maxTraceMs: { check: milliseconds(1), default: 120_000 },
  directory: { check: text('the path of a directory') },
  maxDecisions: { check: integer(1_000), default: 1_000_000 },
}

/** Checks the options of tail sampling and fills in what is absent. */
export function resolveTailSampling(path: string, options: unknown): TailSamplingConfig {
  return resolveTable<TailSamplingOptions, TailSamplingConfig, OptionSource>(
    path,
    options,
    TAIL_SAMPLING_OPTIONS,
  )
}
