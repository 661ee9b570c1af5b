import type { Observation } from './observation.ts'
import type { Trace } from './trace.ts'

/** A trace as the JSON API and `--json` give it: observations as a flat list, depth first, joined by `parentId`. */
export type TraceRecord = Omit<Trace, 'root' | 'topLevel' | 'observations'> & {
  rootId?: string
  observations: Omit<Observation, 'children'>[]
}

/** Flattens a trace, because a tree repeats itself in JSON and may be deeper than JSON.stringify can go. */
export function toTraceRecord({ root, topLevel: _, observations, ...trace }: Trace): TraceRecord {
  return {
    ...trace,
    ...(root && { rootId: root.id }),
    observations: observations.map(({ children: _, ...observation }) => observation),
  }
}
