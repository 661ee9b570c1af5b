import type { Score } from '../context/score.ts'
import { runningTracing } from '../start/tracing.ts'

/**
 * Scores any trace, such as one that a user judges later. Returns whether the score is on its way; never throws. Within the request
 * itself, `currentRequest()?.score()` is the one to call: it knows whether its trace is kept.
 */
export function scoreTrace(traceId: string, score: Score): boolean {
  return runningTracing()?.runtime?.pipeline.scores.add(traceId, score) ?? false
}
