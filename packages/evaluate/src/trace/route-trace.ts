/** One observation of the trace that a request made. */
export interface TracedObservation {
  readonly id: string
  readonly parentId: string | undefined
  readonly name: string
  /** `generation`, `tool`, `retriever`, `span`, … */
  readonly type: string
  readonly level: string
  readonly statusMessage: string | undefined
  readonly input: unknown
  readonly output: unknown
  readonly metadata: Readonly<Record<string, unknown>>
  readonly model: string | undefined
  /** Tokens by kind, as Langfuse stores them: disjoint, so that they add up. */
  readonly usage: Readonly<Record<string, number>>
  /** US dollars; undefined if neither the trace nor the price table knows them. */
  readonly cost: number | undefined
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  readonly durationMs: number
  readonly timeToFirstTokenMs: number | undefined
}

/** The trace that a request made, as evaluators see it. */
export interface RouteTrace {
  readonly id: string
  readonly name: string | undefined
  readonly root: TracedObservation | undefined
  /** In the order in which they started. */
  readonly observations: readonly TracedObservation[]
  readonly generations: readonly TracedObservation[]
  readonly retrievals: readonly TracedObservation[]
  /** Observations of level ERROR. */
  readonly errors: readonly TracedObservation[]
  /** Names of the tools in the order of their calls, from tool observations or else from the models' answers. */
  readonly toolsCalled: readonly string[]
  readonly tokens: { readonly input: number; readonly output: number; readonly total: number }
  /** US dollars; undefined if a generation's price is not known. */
  readonly cost: number | undefined
  readonly durationMs: number | undefined
}

/** Adds up a trace from its observations. */
export function toRouteTrace(
  id: string,
  unordered: readonly TracedObservation[],
  name?: string | undefined,
): RouteTrace {
  const observations = [...unordered].sort((left, right) => left.startedAt - right.startedAt)
  const ids = new Set(observations.map(observation => observation.id))
  const root = observations.find(({ parentId }) => parentId === undefined || !ids.has(parentId))
  const generations = observations.filter(({ type }) => type === 'generation' || type === 'embedding')
  const tokens = { input: 0, output: 0, total: 0 }
  for (const { usage } of generations) addTokens(tokens, usage)
  return {
    id,
    name: name ?? root?.name,
    root,
    observations,
    generations: generations.filter(({ type }) => type === 'generation'),
    retrievals: observations.filter(({ type }) => type === 'retriever'),
    errors: observations.filter(({ level }) => level === 'ERROR'),
    toolsCalled: toolsCalled(observations),
    tokens,
    cost: totalCost(generations),
    durationMs: root?.durationMs,
  }
}

function addTokens(tokens: { input: number; output: number; total: number }, usage: Record<string, number>) {
  let sum = 0
  for (const [kind, count] of Object.entries(usage)) {
    if (kind === 'total') continue
    sum += count
    if (kind.startsWith('input')) tokens.input += count
    else if (kind.startsWith('output')) tokens.output += count
  }
  tokens.total += usage.total ?? sum
}

function totalCost(generations: readonly TracedObservation[]): number | undefined {
  let sum = 0
  for (const { cost, usage } of generations) {
    if (cost === undefined && Object.keys(usage).length > 0) return undefined
    sum += cost ?? 0
  }
  return sum
}

function toolsCalled(observations: readonly TracedObservation[]): string[] {
  const tools = observations.filter(({ type }) => type === 'tool').map(({ name }) => name)
  if (tools.length > 0) return tools
  return observations
    .filter(({ type }) => type === 'generation')
    .flatMap(({ output }) => namesOfCalls(output))
}

/** Tool calls of OpenAI (chat and responses), Anthropic and Gemini, wherever they stand in an output. */
function namesOfCalls(output: unknown, depth = 0): string[] {
  if (typeof output !== 'object' || output === null || depth > 6) return []
  if (Array.isArray(output)) return output.flatMap(part => namesOfCalls(part, depth + 1))
  const part = output as Record<string, unknown>
  const called = part.functionCall ?? (isCall(part.type) ? (part.function ?? part) : undefined)
  const { name } = (called ?? {}) as { name?: unknown }
  if (typeof name === 'string') return [name]
  return ['choices', 'message', 'tool_calls', 'content', 'output', 'candidates', 'parts'].flatMap(key =>
    namesOfCalls(part[key], depth + 1),
  )
}

function isCall(type: unknown): boolean {
  return type === 'function' || type === 'function_call' || type === 'tool_use' || type === 'tool-call'
}
