import { setTimeout as delay } from 'node:timers/promises'
import type { DatasetItem } from '../data/item.ts'
import { type EvaluationContext, type EvaluationScore, toScores } from '../evaluators/evaluator.ts'
import type { Experiment } from '../langfuse/experiment.ts'
import { requestOf, toFetch } from '../target/route-request.ts'
import { type RouteResponse, readResponse } from '../target/route-response.ts'
import type { RouteTarget } from '../target/route-target.ts'
import { type RouteTrace, toRouteTrace } from '../trace/route-trace.ts'
import type { TraceSource } from '../trace/trace-source.ts'
import type { ItemResult } from '../verdict/evaluation-result.ts'
import type { ResolvedOptions } from './evaluate-options.ts'
import { withTimeout } from './with-timeout.ts'

/** What all items of a run share. */
export interface RunSetting {
  readonly options: ResolvedOptions
  readonly target: RouteTarget
  /** Undefined if nothing says where the app's traces are. */
  readonly traces: TraceSource | undefined
  readonly experiment: Experiment | undefined
}

const RETRIED_STATUS = new Set([429, 502, 503, 504])
const RETRY_MS = 250

/** Sends the request of an item, takes its trace and asks the evaluators. Never rejects. */
export async function runItem(item: DatasetItem, setting: RunSetting): Promise<ItemResult> {
  const errors: string[] = []
  let response: RouteResponse | undefined
  let trace: RouteTrace | undefined
  let scores: EvaluationScore[] = []
  try {
    response = await answerTo(item, setting)
    trace = await traceOf(response, setting, errors)
    scores = await evaluated(item, response, trace, setting, errors)
    if (trace.id !== '') errors.push(...((await setting.experiment?.record(item, trace, scores)) ?? []))
  } catch (error) {
    errors.push(messageOf(error))
  }
  return {
    item,
    output: response?.output,
    status: response?.status,
    durationMs: response?.durationMs,
    traceId: trace?.id || undefined,
    tokens: trace?.tokens.total,
    cost: trace?.cost,
    scores,
    errors,
    resumed: false,
  }
}

async function answerTo(item: DatasetItem, { options, target }: RunSetting): Promise<RouteResponse> {
  const { request = requestOf, timeoutMs, retries, signal } = options
  const described = await request(item)
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await withTimeout('the request', timeoutMs, signal, async timeout => {
        const startedAt = performance.now()
        const [url, init] = toFetch(target.baseUrl, described, timeout)
        return readResponse(await target.send(url, init), startedAt)
      })
      if (attempt === retries || !RETRIED_STATUS.has(response.status)) return response
    } catch (error) {
      if (attempt === retries || signal?.aborted) throw error
    }
    await delay(RETRY_MS * 2 ** attempt)
  }
}

async function traceOf(
  response: RouteResponse,
  { options, traces }: RunSetting,
  errors: string[],
): Promise<RouteTrace> {
  const traceId = response.headers['x-langfuse-trace-id'] ?? ''
  if (traces === undefined) {
    errors.push('no trace: set LANGFUSE_BASE_URL and keys to where the app at `url` sends its traces')
  } else if (traceId === '') {
    errors.push('no trace: the response has no x-langfuse-trace-id header; is the route traced?')
  } else {
    const trace = await traces.get(traceId, options.timeoutMs, options.signal)
    if (trace !== undefined) return trace
    errors.push(`no trace: ${traceId} did not arrive within ${options.timeoutMs} ms`)
  }
  return toRouteTrace(traceId, [])
}

async function evaluated(
  item: DatasetItem,
  response: RouteResponse,
  trace: RouteTrace,
  { options }: RunSetting,
  errors: string[],
): Promise<EvaluationScore[]> {
  const context: EvaluationContext = {
    item,
    input: item.input,
    expectedOutput: item.expectedOutput,
    expected: item.expectedOutput,
    metadata: item.metadata ?? {},
    output: response.output,
    response,
    trace,
  }
  const scores = await Promise.all(
    options.evaluators.map(async (evaluator, index) => {
      const name = evaluator.name || `evaluator ${index + 1}`
      try {
        const result = await withTimeout(`evaluator ${name}`, options.timeoutMs, options.signal, () =>
          evaluator(context),
        )
        return toScores(name, result)
      } catch (error) {
        errors.push(`${name}: ${messageOf(error)}`)
        return []
      }
    }),
  )
  return scores.flat()
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // fetch says only "fetch failed"; its cause says why.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
