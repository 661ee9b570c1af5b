import fc from 'fast-check'
import { type Description, matchCalls, type SeenCall } from '../src/llm-calls/matching.ts'

interface Node {
  readonly id: string
  readonly parentId: string | undefined
  readonly from: number
  readonly to: number
  readonly kind: 'span' | 'wrapped' | 'unwrapped'
  readonly question: string
  readonly model: string
  readonly tokens: number
  readonly attempts: number
  /** A wrapper's observation is above the call, or beside it. */
  readonly above: boolean
  /** What a wrapper states. */
  readonly states: {
    readonly id: boolean
    readonly usage: boolean
    readonly question: boolean
    readonly model: boolean
  }
}

const QUESTIONS = ['hi', 'Which city has the Eiffel Tower?', 'a "quoted"\nquestion', 'x'.repeat(400)]
const MODELS = ['gpt-4.1-mini', 'gpt-4.1', 'claude-sonnet-4-5']

/** A trace: spans in a tree, with calls anywhere in it that overlap at will. */
const traces = fc
  .array(
    fc.record({
      parent: fc.nat(20),
      from: fc.nat(1_000),
      length: fc.integer({ min: 30, max: 1_000 }),
      kind: fc.constantFrom('span', 'wrapped', 'unwrapped', 'unwrapped'),
      question: fc.constantFrom(...QUESTIONS),
      model: fc.constantFrom(...MODELS),
      tokens: fc.integer({ min: 1, max: 5 }),
      attempts: fc.integer({ min: 1, max: 3 }),
      above: fc.boolean(),
      states: fc.oneof(
        fc.record({
          id: fc.constant(true),
          usage: fc.boolean(),
          question: fc.boolean(),
          model: fc.boolean(),
        }),
        fc.record({
          id: fc.boolean(),
          usage: fc.boolean(),
          question: fc.constant(true),
          model: fc.boolean(),
        }),
      ),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map(made =>
    made.reduce<Node[]>((nodes, { parent, from, length, ...rest }, index) => {
      const spans = nodes.filter(({ kind }) => kind === 'span')
      const above = spans.length === 0 ? undefined : spans[parent % spans.length]
      const begun = Math.max(from, above?.from ?? 0)
      nodes.push({
        ...rest,
        kind: rest.kind as Node['kind'],
        id: `span-${String(index).padStart(2, '0')}`,
        parentId: above?.id ?? 'root',
        from: begun,
        to: begun + length,
      })
      return nodes
    }, []),
  )

function written(nodes: readonly Node[]) {
  const calls: (SeenCall & { readonly node: Node; readonly last: boolean })[] = []
  const descriptions: (Description & { readonly node: Node })[] = []
  for (const node of nodes) {
    if (node.kind === 'span') continue
    const { id, from, to, question, model, tokens, attempts, above, states } = node
    const isWrapped = node.kind === 'wrapped'
    const responseId = `response-${id}`
    const each = (to - from - 4) / attempts
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const last = attempt === attempts - 1
      calls.push({
        node,
        last,
        type: 'generation',
        parentId: isWrapped && above ? id : node.parentId,
        startedAt: from + 2 + attempt * each,
        endedAt: from + 2 + (attempt + 1) * each - 1,
        models: last ? [model, `${model}-20250929`] : [model],
        responseId: last ? responseId : undefined,
        usage: last ? { input: tokens, output: tokens } : undefined,
        question: question.slice(0, 300),
        answer: undefined,
        failed: !last,
      })
    }
    if (!isWrapped) continue
    const texts = [states.id ? JSON.stringify({ id: responseId }) : '']
    descriptions.push({
      node,
      type: 'generation',
      spanId: id,
      parentId: node.parentId,
      startedAt: from,
      endedAt: to,
      models: states.model ? [model] : [],
      usage: states.usage ? { input: tokens, output: tokens } : undefined,
      input: states.question ? JSON.stringify([{ role: 'user', content: question }]) : undefined,
      output: undefined,
      mentions: text => texts.some(one => one.includes(text)),
    })
  }
  const parents = new Map(nodes.map(({ id, parentId }) => [id, parentId]))
  return { calls, descriptions, parentOf: (id: string) => parents.get(id) }
}

describe('matchCalls', () => {
  it('leaves one observation for each call, in any tree and any overlap', () => {
    fc.assert(
      fc.property(traces, nodes => {
        const { calls, descriptions, parentOf } = written(nodes)
        const matched = matchCalls(calls, descriptions, parentOf)
        const succeeded = calls.filter(({ last }) => last)
        const sent = succeeded.filter(call => !matched.has(call))
        // Every wrapper describes exactly one call that succeeded.
        expect(sent.length + descriptions.length).toBe(succeeded.length)
      }),
      { numRuns: 2_000 },
    )
  })

  it('finds the very call if the wrapper knows its id', () => {
    fc.assert(
      fc.property(traces, nodes => {
        const { calls, descriptions, parentOf } = written(
          nodes.map(node => ({ ...node, states: { ...node.states, id: true } })),
        )
        for (const [call, { other, isWhole }] of matchCalls(calls, descriptions, parentOf)) {
          if (isWhole && call.last) expect(other.node.id).toBe(call.node.id)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('never takes a call away from a trace without wrappers', () => {
    fc.assert(
      fc.property(traces, nodes => {
        const { calls, parentOf } = written(nodes)
        expect(matchCalls(calls, [], parentOf).size).toBe(0)
      }),
    )
  })
})
