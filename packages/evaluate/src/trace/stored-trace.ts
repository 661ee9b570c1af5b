import type { RouteTrace } from './route-trace.ts'

/** A trace of the past, with what a filter looks at. */
export interface StoredTrace {
  readonly trace: RouteTrace
  readonly tags: readonly string[]
  readonly scores: readonly { readonly name: string; readonly value: unknown }[]
}

/** Which traces of the past are wanted. */
export interface TraceFilter {
  /** Name of the trace or route template of its root. */
  readonly route: string | undefined
  readonly tag: string | undefined
  readonly score:
    | {
        readonly name: string
        readonly operator: '<' | '<=' | '>' | '>=' | '=' | '!='
        readonly value: number | string
      }
    | undefined
  readonly errors: boolean
  /** Milliseconds since the Unix epoch. */
  readonly since: number
  readonly limit: number
}

/** True if a whole trace passes the filter. */
export function isWanted({ trace, tags, scores }: StoredTrace, filter: TraceFilter): boolean {
  const { route, tag, errors, since } = filter
  if ((trace.root?.startedAt ?? 0) < since) return false
  if (route !== undefined && trace.name !== route && trace.root?.metadata.route !== route) return false
  if (tag !== undefined && !tags.includes(tag)) return false
  if (errors && trace.errors.length === 0) return false
  return filter.score === undefined || scores.some(score => meets(score, filter.score!))
}

function meets(
  score: { name: string; value: unknown },
  { name, operator, value }: NonNullable<TraceFilter['score']>,
): boolean {
  if (score.name !== name) return false
  const actual = typeof score.value === 'boolean' ? Number(score.value) : score.value
  if (operator === '=') return actual === value
  if (operator === '!=') return actual !== value
  if (typeof actual !== 'number' || typeof value !== 'number') return false
  if (operator === '<') return actual < value
  if (operator === '<=') return actual <= value
  return operator === '>' ? actual > value : actual >= value
}
