import type { SentScore } from '@langfuse-middleware/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** One observation as it left the process. */
export interface RecordedObservation {
  readonly id: string
  readonly traceId: string
  readonly parentId: string | undefined
  readonly name: string
  readonly type: string
  readonly level: string
  readonly statusMessage: string | undefined
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  readonly tags: readonly string[]
  readonly environment: string | undefined
  readonly release: string | undefined
  readonly version: string | undefined
  /** Parsed where it is JSON. */
  readonly input: unknown
  readonly output: unknown
  readonly metadata: Readonly<Record<string, unknown>>
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly durationMs: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly children: readonly RecordedObservation[]
}

/** One trace as it left the process; `root` is undefined where none arrived, and `orphans` are those whose parent did not. */
export interface RecordedTrace {
  readonly id: string
  readonly root: RecordedObservation | undefined
  readonly observations: readonly RecordedObservation[]
  readonly orphans: readonly RecordedObservation[]
  readonly scores: readonly SentScore[]
}

type Mutable = RecordedObservation & { children: RecordedObservation[] }

/** Groups exported spans into traces, in the order in which the traces began to arrive. */
export function groupTraces(spans: readonly ReadableSpan[], scores: readonly SentScore[]): RecordedTrace[] {
  const observations = new Map<string, Mutable>()
  for (const span of spans) observations.set(span.spanContext().spanId, toObservation(span))
  const traces = new Map<string, { root?: Mutable; observations: Mutable[]; orphans: Mutable[] }>()
  for (const observation of observations.values()) {
    let trace = traces.get(observation.traceId)
    if (trace === undefined) {
      trace = { observations: [], orphans: [] }
      traces.set(observation.traceId, trace)
    }
    trace.observations.push(observation)
    const parent = observation.parentId === undefined ? undefined : observations.get(observation.parentId)
    if (parent !== undefined) parent.children.push(observation)
    else if (observation.parentId === undefined) trace.root = observation
    else trace.orphans.push(observation)
  }
  return [...traces].map(([id, { root, observations, orphans }]) => ({
    id,
    root,
    observations,
    orphans,
    scores: scores.filter(({ traceId }) => traceId === id),
  }))
}

const METADATA = 'langfuse.observation.metadata.'

function toObservation(span: ReadableSpan): Mutable {
  const { attributes } = span
  const text = (name: string) => attributes[name] as string | undefined
  const metadata: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith(METADATA)) metadata[name.slice(METADATA.length)] = parsed(value)
  }
  return {
    id: span.spanContext().spanId,
    traceId: span.spanContext().traceId,
    parentId: span.parentSpanContext?.spanId,
    name: span.name,
    type: text('langfuse.observation.type') ?? 'span',
    level: text('langfuse.observation.level') ?? 'DEFAULT',
    statusMessage: text('langfuse.observation.status_message'),
    userId: text('user.id'),
    sessionId: text('session.id'),
    tags: (attributes['langfuse.trace.tags'] as string[] | undefined) ?? [],
    environment: text('langfuse.environment'),
    release: text('langfuse.release'),
    version: text('langfuse.version'),
    input: parsed(attributes['langfuse.observation.input']),
    output: parsed(attributes['langfuse.observation.output']),
    metadata,
    startedAt: span.startTime[0] * 1e3 + span.startTime[1] / 1e6,
    durationMs: span.duration[0] * 1e3 + span.duration[1] / 1e6,
    attributes,
    children: [],
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
