import { defined } from './attribute-reading.ts'
import { type ObservationFacts, readFacts } from './observation-facts.ts'
import { arrangeObservations } from './observation-tree.ts'
import type { OtlpSpan } from './otlp-span.ts'

const maxTextLength = 300

/** One line of a trace's tree. */
export interface OutlineRow
  extends Pick<
    ObservationFacts,
    | 'id'
    | 'parentId'
    | 'name'
    | 'type'
    | 'level'
    | 'statusMessage'
    | 'startTimeMs'
    | 'endTimeMs'
    | 'completionStartTimeMs'
    | 'model'
    | 'tokens'
    | 'cost'
  > {
  /** 0 at the top. */
  depth: number
  orphan: boolean
  /** It has begun and not ended. */
  running: boolean
}

interface Node extends ObservationFacts {
  orphan: boolean
  children: Node[]
  running: boolean
}

/** The tree of a trace without payloads, depth first. */
export function outlineTrace(ended: OtlpSpan[], running: OtlpSpan[]): OutlineRow[] {
  const toNode = (isRunning: boolean) => (span: OtlpSpan) => ({
    ...readFacts(span),
    orphan: false,
    children: [],
    running: isRunning,
  })
  const nodes: Node[] = [...ended.map(toNode(false)), ...running.map(toNode(true))]
  const { topLevel, observations } = arrangeObservations(nodes)
  const depths = new Map<Node, number>(topLevel.map(node => [node, 0]))
  for (const node of observations) {
    for (const child of node.children) depths.set(child, depths.get(node)! + 1)
  }
  return observations.map(node => ({
    id: node.id,
    name: cut(node.name),
    type: cut(node.type),
    level: node.level,
    startTimeMs: node.startTimeMs,
    endTimeMs: node.endTimeMs,
    tokens: node.tokens,
    cost: node.cost,
    depth: depths.get(node)!,
    orphan: node.orphan,
    running: node.running,
    ...defined({
      parentId: node.parentId,
      statusMessage: node.statusMessage === undefined ? undefined : cut(node.statusMessage),
      completionStartTimeMs: node.completionStartTimeMs,
      model: node.model === undefined ? undefined : cut(node.model),
    }),
  }))
}

function cut(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text
}
