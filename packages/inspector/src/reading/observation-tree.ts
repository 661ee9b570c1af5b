/** What it takes to have a place in a tree. */
export interface TreeNode<Node> {
  id: string
  parentId?: string
  startTimeMs: number
  orphan: boolean
  children: Node[]
}

/** Observations put in their places. */
export interface ObservationTree<Node> {
  root: Node | undefined
  topLevel: Node[]
  /** Depth first. */
  observations: Node[]
}

/** Links parents and children in place; whoever lacks a parent is flagged and shown below the root. */
export function arrangeObservations<Node extends TreeNode<Node>>(arrived: Node[]): ObservationTree<Node> {
  const byStart = arrived.toSorted((a, b) => a.startTimeMs - b.startTimeMs)
  const byId = new Map(byStart.map(observation => [observation.id, observation]))
  const circular = findCircular(byStart, byId)
  const root = byStart.find(({ parentId }) => parentId === undefined)
  const topLevel: Node[] = []
  for (const observation of byStart) {
    const parent = circular.has(observation) ? undefined : byId.get(observation.parentId ?? '')
    observation.orphan = observation.parentId !== undefined && parent === undefined
    const place = parent ?? (observation.orphan ? root : undefined)
    ;(place?.children ?? topLevel).push(observation)
  }
  return { root, topLevel, observations: walk(topLevel) }
}

/** One observation of every circle of parents: cutting there makes a tree of what remains. */
function findCircular<Node extends TreeNode<Node>>(observations: Node[], byId: Map<string, Node>): Set<Node> {
  const circular = new Set<Node>()
  const visited = new Set<Node>()
  for (const observation of observations) {
    const path = new Set<Node>()
    let current: Node | undefined = observation
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
function walk<Node extends TreeNode<Node>>(topLevel: Node[]): Node[] {
  const ordered: Node[] = []
  const waiting = topLevel.toReversed()
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    ordered.push(next)
    for (const child of next.children.toReversed()) waiting.push(child)
  }
  return ordered
}
