import { priceOf } from './price.ts'
import { type RouteTrace, type TracedObservation, toRouteTrace } from './route-trace.ts'

/** A trace as the inspector's `GET /api/traces/<id>` gives it. */
export interface InspectorTrace {
  id: string
  name: string
  settled: boolean
  tags: string[]
  scores: { name: string; value: unknown }[]
  observations: InspectorObservation[]
}

interface InspectorObservation {
  id: string
  parentId?: string
  name: string
  type: string
  level: string
  statusMessage?: string
  input?: unknown
  output?: unknown
  metadata: Record<string, unknown>
  model?: string
  usage: Record<string, number>
  costDetails: Record<string, number>
  startTimeMs: number
  durationMs: number
  completionStartTimeMs?: number
}

/** Reads a trace of the local inspector. */
export function fromInspector(trace: InspectorTrace): RouteTrace {
  return toRouteTrace(trace.id, trace.observations.map(toTraced), trace.name)
}

function toTraced(observation: InspectorObservation): TracedObservation {
  const { model, usage, costDetails, startTimeMs, completionStartTimeMs } = observation
  return {
    id: observation.id,
    parentId: observation.parentId,
    name: observation.name,
    type: observation.type,
    level: observation.level,
    statusMessage: observation.statusMessage,
    input: observation.input,
    output: observation.output,
    metadata: observation.metadata,
    model,
    usage,
    cost: costDetails.total ?? priceOf(model, usage),
    startedAt: startTimeMs,
    durationMs: observation.durationMs,
    timeToFirstTokenMs: completionStartTimeMs === undefined ? undefined : completionStartTimeMs - startTimeMs,
  }
}
