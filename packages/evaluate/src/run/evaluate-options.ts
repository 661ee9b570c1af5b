import type { TracingOptions } from '@langfuse-middleware/core'
import type { Recorder } from '@langfuse-middleware/testing'
import { EvaluateError, invalidOption } from '../basics/evaluate-error.ts'
import type { DatasetItem, EvaluationItem } from '../data/item.ts'
import type { Selection } from '../data/select-items.ts'
import type { Evaluator } from '../evaluators/evaluator.ts'
import type { LangfuseOption } from '../langfuse/connection.ts'
import type { LangfuseDataset } from '../langfuse/load-dataset.ts'
import type { RouteRequest } from '../target/route-request.ts'
import type { EvaluatedApp } from '../target/route-target.ts'
import type { ItemResult } from '../verdict/evaluation-result.ts'
import { checkThresholds, needsBaseline, type Thresholds } from '../verdict/thresholds.ts'

/** How far a run has come. */
export interface Progress {
  readonly done: number
  readonly total: number
  readonly last: ItemResult
}

/** Options of `evaluateRoute`. */
export interface EvaluateRouteOptions extends Selection {
  /** Names the evaluation in reports and in Langfuse. @default route evaluation */
  name?: string
  /** Names this run. @default the name and the time */
  runName?: string
  /** Of the run, in Langfuse. */
  description?: string
  /** Of the run, in Langfuse. */
  metadata?: Readonly<Record<string, unknown>>
  /** The app, served in this process. A function is called after recording has started, so that it may import the app. */
  app?: EvaluatedApp | (() => EvaluatedApp | Promise<EvaluatedApp>)
  /** The address of an app that runs elsewhere and sends its traces to the Langfuse, or inspector, of `LANGFUSE_BASE_URL`. */
  url?: string
  /** Items, the path of a JSON Lines file, or `{ dataset, version }` in Langfuse. @default the items of Langfuse's runner */
  data?: readonly EvaluationItem[] | string | LangfuseDataset
  /** The request for an item. @default the item's `input`, which is `{ method, path, query, headers, body }` */
  // biome-ignore lint/suspicious/noExplicitAny: an item's types are the user's own.
  request?: (item: DatasetItem<any, any>) => RouteRequest | Promise<RouteRequest>
  evaluators: readonly Evaluator[]
  /** Bounds by score; a number is the least mean. */
  thresholds?: Thresholds
  /** File with the statistics of an earlier run, for `maxDrop` and `maxRise`. */
  baseline?: string
  /** Writes this run's statistics to `baseline`. @default false */
  updateBaseline?: boolean
  /** Requests at a time. @default 4 */
  concurrency?: number
  /** Milliseconds for one request, its trace, one evaluator, or the last delivery to Langfuse. @default 30000 */
  timeoutMs?: number
  /** Repetitions of a request that failed to connect, timed out, or was answered 429, 502, 503 or 504. @default 1 */
  retries?: number
  /** Items that may lack an answer, a trace or a score without failing the run. @default 0 */
  maxFailedItems?: number
  /** JSON Lines file that keeps finished items, so that an interrupted run goes on where it stopped. */
  resume?: string
  /** Called after each item. */
  onProgress?: (progress: Progress) => void
  /** Langfuse's client, the context of its experiment runner, or `false`. @default a client, if there are keys */
  langfuse?: LangfuseOption
  /** The recorder that was started for an app which traces already; its spans are not delivered. */
  recorder?: Recorder
  /** Options of tracing for an app in this process. */
  tracing?: Omit<TracingOptions, 'exporter'>
  /** Ends the run early; the items so far are reported as interrupted. */
  signal?: AbortSignal
}

/** Options with their defaults. */
export type ResolvedOptions = EvaluateRouteOptions &
  Required<
    Pick<
      EvaluateRouteOptions,
      'name' | 'runName' | 'concurrency' | 'timeoutMs' | 'retries' | 'maxFailedItems' | 'thresholds'
    >
  >

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_OPTION` with path, value and remedy.
 */
export function resolveEvaluation(options: EvaluateRouteOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null)
    throw invalidOption('evaluateRoute()', 'called with options', options)
  if ((options.app === undefined) === (options.url === undefined))
    throw new EvaluateError('LANGFUSE_EVALUATE_INVALID_OPTION', 'give either `app` or `url`')
  if (options.url !== undefined && !URL.canParse(options.url))
    throw invalidOption('url', 'an http(s) address', options.url)
  const { evaluators, thresholds = {}, baseline } = options
  if (!Array.isArray(evaluators) || evaluators.length === 0)
    throw invalidOption('evaluators', 'an array of at least one function', evaluators)
  evaluators.forEach((evaluator, index) => {
    if (typeof evaluator !== 'function') throw invalidOption(`evaluators[${index}]`, 'a function', evaluator)
  })
  checkThresholds(thresholds)
  if (baseline === undefined && (needsBaseline(thresholds) || options.updateBaseline))
    throw invalidOption(
      'baseline',
      'the path of a file, since a threshold or updateBaseline needs it',
      baseline,
    )
  const name = options.name ?? 'route evaluation'
  return {
    ...options,
    name,
    runName: options.runName ?? `${name} ${new Date().toISOString()}`,
    concurrency: wholeNumber('concurrency', options.concurrency, 4, 1),
    timeoutMs: wholeNumber('timeoutMs', options.timeoutMs, 30_000, 1),
    retries: wholeNumber('retries', options.retries, 1, 0),
    maxFailedItems: wholeNumber('maxFailedItems', options.maxFailedItems, 0, 0),
    ...(options.sample !== undefined && { sample: wholeNumber('sample', options.sample, 1, 1) }),
    ...(options.seed !== undefined && { seed: wholeNumber('seed', options.seed, 1, 0) }),
    thresholds,
  }
}

function wholeNumber(path: string, value: number | undefined, fallback: number, least: number): number {
  if (value === undefined) return fallback
  if (!Number.isInteger(value) || value < least)
    throw invalidOption(path, `a whole number of at least ${least}`, value)
  return value
}
