import type { LangfuseClient } from '@langfuse/client'
import { priceOf } from './price.ts'
import { type RouteTrace, type TracedObservation, toRouteTrace } from './route-trace.ts'

type StoredTrace = Awaited<ReturnType<LangfuseClient['api']['trace']['get']>>
type StoredObservation = StoredTrace['observations'][number]

/** Reads a trace that Langfuse stores. */
export function fromLangfuse(trace: StoredTrace): RouteTrace {
  return toRouteTrace(trace.id, trace.observations.map(toTraced), trace.name ?? undefined)
}

function toTraced(observation: StoredObservation): TracedObservation {
  const startedAt = Date.parse(observation.startTime)
  const usage = observation.usageDetails ?? {}
  const model = observation.model ?? undefined
  return {
    id: observation.id,
    parentId: observation.parentObservationId ?? undefined,
    name: observation.name ?? '',
    type: observation.type.toLowerCase(),
    level: observation.level,
    statusMessage: observation.statusMessage ?? undefined,
    input: parsed(observation.input),
    output: parsed(observation.output),
    metadata: (observation.metadata ?? {}) as Record<string, unknown>,
    model,
    usage,
    cost: observation.costDetails?.total ?? priceOf(model, usage),
    startedAt,
    durationMs: observation.endTime ? Date.parse(observation.endTime) - startedAt : 0,
    timeToFirstTokenMs: observation.completionStartTime
      ? Date.parse(observation.completionStartTime) - startedAt
      : undefined,
  }
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
