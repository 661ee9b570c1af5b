import type { Observation } from './observation.ts'

/** Observations put in their places. */
export interface ObservationTree {
  root: Observation | undefined
  topLevel: Observation[]
  /** Depth first. */
  observations: Observation[]
}

/** Links parents and children in place; whoever lacks a parent is flagged and shown below the root. */
export function arrangeObservations(arrived: Observation[]): ObservationTree {
  const byStart = arrived.toSorted((a, b) => a.startTimeMs - b.startTimeMs)
  const byId = new Map(byStart.map(observation => [observation.id, observation]))
  const circular = findCircular(byStart, byId)
  const root = byStart.find(({ parentId }) => parentId === undefined)
  const topLevel: Observation[] = []
  for (const observation of byStart) {
    const parent = circular.has(observation) ? undefined : byId.get(observation.parentId ?? '')
    observation.orphan = observation.parentId !== undefined && parent === undefined
    const place = parent ?? (observation.orphan ? root : undefined)
    ;(place?.children ?? topLevel).push(observation)
  }
  return { root, topLevel, observations: walk(topLevel) }
}

/** One observation of every circle of parents: cutting there makes a tree of what remains. */
function findCircular(observations: Observation[], byId: Map<string, Observation>): Set<Observation> {
  const circular = new Set<Observation>()
  const visited = new Set<Observation>()
  for (const observation of observations) {
    const path = new Set<Observation>()
    let current: Observation | undefined = observation
    while (current !== undefined && !visited.has(current)) {
      visited.add(current)
      path.add(current)
      current = byId.get(current.parentId ?? '')
    }
    if (current !== undefined && path.has(current)) circular.add(current)
  }
  return circular
}

// A loop, not recursion: a hostile trace may be deeper than the call stack.
function walk(topLevel: Observation[]): Observation[] {
  const ordered: Observation[] = []
  const waiting = topLevel.toReversed()
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    ordered.push(next)
    for (const child of next.children.toReversed()) waiting.push(child)
  }
  return ordered
}
