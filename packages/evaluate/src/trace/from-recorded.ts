import type { RecordedObservation, RecordedTrace } from '@langfuse-middleware/testing'
import { priceOf } from './price.ts'
import { type RouteTrace, type TracedObservation, toRouteTrace } from './route-trace.ts'

/** Reads a trace that was recorded in this process. */
export function fromRecorded(trace: RecordedTrace): RouteTrace {
  return toRouteTrace(trace.id, trace.observations.map(toTraced), traceName(trace))
}

function traceName(trace: RecordedTrace): string | undefined {
  return (trace.root?.attributes['langfuse.trace.name'] as string | undefined) ?? trace.root?.name
}

function toTraced(observation: RecordedObservation): TracedObservation {
  const { attributes, startedAt } = observation
  const model = attributes['langfuse.observation.model.name'] as string | undefined
  const usage = numbersIn(attributes['langfuse.observation.usage_details'])
  const costs = numbersIn(attributes['langfuse.observation.cost_details'])
  const firstToken = Date.parse(unquoted(attributes['langfuse.observation.completion_start_time']))
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
    cost: costs.total ?? priceOf(model, usage),
    startedAt,
    durationMs: observation.durationMs,
    timeToFirstTokenMs: Number.isNaN(firstToken) ? undefined : firstToken - startedAt,
  }
}

function numbersIn(json: unknown): Record<string, number> {
  if (typeof json !== 'string') return {}
  try {
    const entries = Object.entries(JSON.parse(json) as Record<string, unknown>)
    return Object.fromEntries(
      entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    )
  } catch {
    return {}
  }
}

/** The SDK writes the time as a JSON string, quotes included. */
function unquoted(value: unknown): string {
  return typeof value === 'string' ? value.replaceAll('"', '') : ''
}
