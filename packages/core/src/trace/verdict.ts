import type { Log } from '../basics/logger.ts'
import { isSampled, type Sampling, type TraceSummary } from '../options/sampling.ts'

/** Whether a trace is kept, once all that can be known of it is; a predicate that throws keeps it. */
export function keepsTrace(
  traceId: string,
  sampling: Sampling,
  dropsEmpty: boolean,
  summarise: () => TraceSummary,
  log: Log,
): boolean {
  const sampled = isSampled(traceId, sampling.rate)
  if (sampled && !dropsEmpty) return true
  const summary = summarise()
  const { failed, observations, scores, durationMs, end } = summary
  if (dropsEmpty && observations === 0 && scores === 0 && !failed) return false
  if (sampled || (sampling.keepErrors && failed)) return true
  if (durationMs >= sampling.keepSlowerThanMs) return true
  if (sampling.keepAborted && end === 'client_aborted') return true
  try {
    return sampling.keep?.(summary) === true
  } catch (error) {
    log.warnOnce('sampling.keep threw', `sampling.keep threw, the trace is kept: ${String(error)}`)
    return true
  }
}
