import { type EvaluationItem, isItems } from '../data/item.ts'
import { checkedItem, readJsonLines } from '../data/json-lines.ts'
import { selectItems } from '../data/select-items.ts'
import { connect, type LangfuseConnection } from '../langfuse/connection.ts'
import { type Experiment, startExperiment } from '../langfuse/experiment.ts'
import { loadDataset } from '../langfuse/load-dataset.ts'
import { type RouteTarget, remoteTarget, startTarget } from '../target/route-target.ts'
import { inspectorSource, langfuseSource, recorderSource } from '../trace/trace-source.ts'
import { readBaseline, writeBaseline } from '../verdict/baseline.ts'
import type { EvaluationResult, ItemResult } from '../verdict/evaluation-result.ts'
import { needsBaseline } from '../verdict/thresholds.ts'
import { concurrently } from './concurrently.ts'
import { type EvaluateRouteOptions, type ResolvedOptions, resolveEvaluation } from './evaluate-options.ts'
import { type Recording, startRecording } from './recording.ts'
import { openResumeFile } from './resume-file.ts'
import { runItem } from './run-item.ts'
import { toResult } from './to-result.ts'

/**
 * Sends every item of a dataset to a route as a real HTTP request, and judges each answer together with the trace that it made.
 *
 * @throws {EvaluateError} for options or data that cannot be used. A bad item, a failing evaluator or a missed threshold does not throw.
 * @example
 * const result = await evaluateRoute({
 *   app,
 *   data: 'questions.jsonl',
 *   request: item => ({ path: '/ask', body: { question: item.input } }),
 *   evaluators: [contains('refund'), noErrors(), maxTokens(500)],
 *   thresholds: { contains: 0.9, no_errors: 1 },
 * })
 * result.assert()
 */
export async function evaluateRoute(options: EvaluateRouteOptions): Promise<EvaluationResult> {
  const resolved = resolveEvaluation(options)
  const startedAt = performance.now()
  const baseline =
    resolved.baseline !== undefined && needsBaseline(resolved.thresholds) && !resolved.updateBaseline
      ? await readBaseline(resolved.baseline)
      : undefined
  const connection = await connect(resolved.langfuse)
  const dataset = selectItems(await loadItems(resolved, connection), resolved)
  const recording = startRecording(resolved, connection)
  let target: RouteTarget | undefined
  let lost = 0
  let experiment: Experiment | undefined
  let items: ItemResult[]
  try {
    target = await startTargetOf(resolved)
    experiment = await experimentOf(resolved, connection, recording)
    items = await runItems(dataset, resolved, {
      options: resolved,
      target,
      traces: traceSourceOf(resolved, connection, recording),
      experiment,
    })
  } finally {
    await target?.close()
    lost = await recording.close()
  }
  const result = await toResult({ options: resolved, items, experiment, baseline, lost, startedAt })
  if (resolved.updateBaseline) await writeBaseline(resolved.baseline!, result.scores)
  return result
}

function loadItems(
  { data }: ResolvedOptions,
  connection: LangfuseConnection | undefined,
): Promise<(EvaluationItem & { datasetId?: string })[]> | (EvaluationItem & { datasetId?: string })[] {
  const given = data ?? (connection?.context?.data as readonly EvaluationItem[] | undefined)
  if (typeof given === 'string') return readJsonLines(given)
  if (isItems(given)) return given.map((item, index) => checkedItem(item, `data[${index}]`))
  if (given !== undefined) return loadDataset(given, connection)
  return []
}

async function startTargetOf({ app, url }: ResolvedOptions): Promise<RouteTarget> {
  if (url !== undefined) return remoteTarget(url)
  // An Express app is a function, too; only a factory takes no arguments.
  const isFactory = typeof app === 'function' && app.length === 0
  return startTarget(isFactory ? await (app as () => Promise<never>)() : (app as never))
}

async function experimentOf(
  options: ResolvedOptions,
  connection: LangfuseConnection | undefined,
  { exporter }: Recording,
): Promise<Experiment | undefined> {
  if (connection === undefined || exporter === undefined) return undefined
  const { runName, description, data } = options
  const version = typeof data === 'object' && 'dataset' in data ? data.version : undefined
  return startExperiment({
    connection,
    exporter,
    runName,
    description,
    metadata: { ...connection.context?.metadata, ...options.metadata },
    datasetVersion: version ?? connection.context?.datasetVersion,
  })
}

function traceSourceOf(
  { url }: ResolvedOptions,
  connection: LangfuseConnection | undefined,
  { recorder }: Recording,
) {
  if (url === undefined) return recorderSource(recorder)
  if (connection === undefined) return undefined
  return connection.isInspector ? inspectorSource(connection.baseUrl) : langfuseSource(connection.client)
}

async function runItems(
  dataset: Parameters<typeof runItem>[0][],
  options: ResolvedOptions,
  setting: Parameters<typeof runItem>[1],
): Promise<ItemResult[]> {
  const { name, evaluators, concurrency, onProgress } = options
  const finished =
    options.resume === undefined ? undefined : await openResumeFile(options.resume, name, evaluators)
  let done = 0
  return concurrently(dataset, concurrency, async item => {
    const known = finished?.find(item)
    const result = known ?? (await runItem(item, setting))
    if (known === undefined) await finished?.add(result)
    done += 1
    try {
      onProgress?.({ done, total: dataset.length, last: result })
    } catch {
      // A display that fails must not cost the run.
    }
    return result
  })
}
