import { isRunning, type OtlpSpan } from '../otlp/otlp-span.ts'
import { defined } from '../reading/attribute-reading.ts'
import { type ObservationFacts, readFacts } from '../reading/observation-facts.ts'
import { arrangeObservations } from '../reading/observation-tree.ts'
import type { PriceOf } from '../reading/price-of.ts'
import type { TraceParts } from '../store/trace-entry.ts'

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
    | 'costEstimated'
    | 'costDetails'
  > {
  /** 0 at the top. */
  depth: number
  orphan: boolean
  /** It has begun and not ended. */
  running: boolean
  /** Where it is not that of the observation above; the first one's is the trace's. */
  service?: string
}

interface Node extends ObservationFacts {
  orphan: boolean
  children: Node[]
  running: boolean
}

/** The tree of a trace without payloads, depth first. */
export function outlineTrace(
  { ended, running }: Pick<TraceParts, 'ended' | 'running'>,
  priceOf?: PriceOf,
): OutlineRow[] {
  const nodes = [
    ...ended.map(span => toNode(span, false, priceOf)),
    ...running.map(span => toNode(span, isRunning(span), priceOf)),
  ]
  const { topLevel, observations } = arrangeObservations(nodes)
  const depths = new Map<Node, number>(topLevel.map(node => [node, 0]))
  const services = new Map<Node, string | undefined>()
  for (const node of topLevel) if (node.service !== topLevel[0]!.service) services.set(node, node.service)
  for (const node of observations) {
    for (const child of node.children) {
      depths.set(child, depths.get(node)! + 1)
      if (child.service !== node.service) services.set(child, child.service)
    }
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
    costDetails: node.costDetails,
    depth: depths.get(node)!,
    orphan: node.orphan,
    running: node.running,
    ...defined({
      parentId: node.parentId,
      costEstimated: node.costEstimated,
      statusMessage: node.statusMessage === undefined ? undefined : cut(node.statusMessage),
      completionStartTimeMs: node.completionStartTimeMs,
      model: node.model === undefined ? undefined : cut(node.model),
      service: services.get(node) && cut(services.get(node)!),
    }),
  }))
}

function toNode(span: OtlpSpan, running: boolean, priceOf?: PriceOf): Node {
  return { ...readFacts(span, priceOf), orphan: false, children: [], running }
}

function cut(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text
}
