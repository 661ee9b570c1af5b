import type { Log } from '../basics/logger.ts'
import { A_BOOLEAN, callOption } from '../basics/option-callback.ts'
import { isSampled, type TraceSummary } from '../options/sampling.ts'
import type { RequestState } from './request-state.ts'

/** Counts of the observations under a root that sampling looks at. */
export interface TraceFigures {
  readonly observations: number
  readonly errors: number
}

/** Decides whether a trace is kept, on what is known by now. A `keep` predicate that fails keeps it. */
export function keepsTrace(
  request: RequestState,
  figures: TraceFigures,
  emptyRequests: 'keep' | 'drop',
  log: Log,
): boolean {
  const { sampling, traceId, annotations, outcome } = request
  if (annotations.skipped) return false
  const sampled = isSampled(traceId, sampling.rate)
  const dropsEmpty = emptyRequests === 'drop' && outcome !== undefined
  if (sampled && !dropsEmpty) return true
  const summary = summarise(request, figures)
  const { failed, observations, scores, durationMs, end } = summary
  if (dropsEmpty && observations === 0 && scores === 0 && !failed) return false
  if (sampled || (sampling.keepErrors && failed)) return true
  if (durationMs >= sampling.keepSlowerThanMs) return true
  if (sampling.keepAborted && end === 'client_aborted') return true
  const { keep } = sampling
  if (keep === undefined) return false
  return callOption(log, 'sampling.keep', A_BOOLEAN, true, () => keep(summary)) === true
}

function summarise(request: RequestState, { observations, errors }: TraceFigures): TraceSummary {
  const { name, outcome, userId, sessionId, tags, scores, level, calleeFailed } = request
  return {
    name,
    route: outcome?.route,
    statusCode: outcome?.statusCode,
    end: outcome?.end ?? 'completed',
    durationMs: outcome === undefined ? performance.now() - request.startedAt : request.durationMs,
    userId,
    sessionId,
    tags,
    observations,
    scores,
    failed: errors > 0 || calleeFailed || level === 'ERROR',
  }
}
