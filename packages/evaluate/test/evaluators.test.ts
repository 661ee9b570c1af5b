import {
  calledTools,
  contains,
  type EvaluationContext,
  type Evaluator,
  exactMatch,
  grounded,
  jsonMatch,
  jsonSchema,
  matches,
  maxCost,
  maxDurationMs,
  maxFirstTokenMs,
  maxTokens,
  noErrors,
  type TracedObservation,
} from '../src/index.ts'
import { toRouteTrace } from '../src/trace/route-trace.ts'

const observation = (given: Partial<TracedObservation>): TracedObservation => ({
  id: 'a',
  parentId: undefined,
  name: 'answer',
  type: 'generation',
  level: 'DEFAULT',
  statusMessage: undefined,
  input: undefined,
  output: undefined,
  metadata: {},
  model: undefined,
  usage: {},
  cost: undefined,
  startedAt: 0,
  durationMs: 1,
  timeToFirstTokenMs: undefined,
  ...given,
})

function context({
  observations = [],
  ...given
}: { output?: unknown; expectedOutput?: unknown; input?: unknown; status?: number } & {
  observations?: Partial<TracedObservation>[]
}): EvaluationContext {
  const { output, expectedOutput, input = 'q', status = 200 } = given
  return {
    item: { id: '1', index: 0, input },
    input,
    expectedOutput,
    expected: expectedOutput,
    metadata: {},
    output,
    response: { status, headers: {}, text: '', output, durationMs: 120.5, timeToFirstTokenMs: 30 },
    trace: toRouteTrace(
      'f'.repeat(32),
      observations.map((one, index) => observation({ id: String(index), startedAt: index, ...one })),
    ),
  }
}

async function judged(evaluator: Evaluator, given: Parameters<typeof context>[0]): Promise<unknown> {
  const result = await evaluator(context(given))
  return typeof result === 'object' && result !== null && 'value' in result ? result.value : result
}

const generation = (usage: Record<string, number>, more: Partial<TracedObservation> = {}) => ({
  usage,
  ...more,
})
const tool = (name: string) => ({ type: 'tool', name })

describe('an evaluator of outputs', () => {
  it.each<[string, Evaluator, Parameters<typeof context>[0], unknown]>([
    ['equal text', exactMatch(), { output: ' Yes\n', expectedOutput: 'Yes' }, true],
    ['other text', exactMatch(), { output: 'No', expectedOutput: 'Yes' }, false],
    ['the answer of a JSON body', exactMatch(), { output: { answer: 'Yes' }, expectedOutput: 'Yes' }, true],
    ['an equal object', exactMatch(), { output: { a: [1] }, expectedOutput: { a: [1] } }, true],
    ['nothing to compare with', exactMatch(), { output: 'x' }, null],
    ['all fields', jsonMatch(), { output: { a: 1, b: 2 }, expectedOutput: { a: 1 } }, 1],
    [
      'half of the fields',
      jsonMatch(),
      { output: '{"a":{"b":1,"c":3}}', expectedOutput: { a: { b: 1, c: 2 } } },
      0.5,
    ],
    ['a missing list', jsonMatch(), { output: {}, expectedOutput: { list: ['x', 'y'] } }, 0],
    ['a valid body', jsonSchema({ type: 'object', required: ['a'] }), { output: { a: 1 } }, true],
    ['an invalid body', jsonSchema({ type: 'object', required: ['a'] }), { output: {} }, false],
    ['valid JSON in text', jsonSchema({ prefixItems: [{ type: 'number' }] }), { output: '[1]' }, true],
    ['a text in any case', contains('REFUND'), { output: { answer: 'your refund' } }, true],
    ['one of two texts', contains(['refund', 'week']), { output: 'your refund' }, false],
    ['a pattern', matches(/^your/g), { output: 'your refund' }, true],
    [
      'a part by its path',
      contains('x', { output: ({ output }) => output.deep.text }),
      { output: { deep: { text: 'x' } } },
      true,
    ],
  ])('judges %s', async (_name, evaluator, given, expected) => {
    expect(await judged(evaluator, given)).toBe(expected)
    // A second answer is judged like the first: nothing is remembered.
    expect(await judged(evaluator, given)).toBe(expected)
  })

  it('says where the answer differs', async () => {
    expect(
      await jsonMatch()(context({ output: { a: 1 }, expectedOutput: { a: 2, b: { c: 3 } } })),
    ).toMatchObject({
      comment: 'differs at $.a, $.b.c',
    })
    expect(await jsonSchema({ type: 'object' })(context({ output: 1 }))).toMatchObject({
      comment: '$ must be object',
    })
  })

  it('refuses a schema that is not valid, when it is made', () => {
    expect(() => jsonSchema({ type: 'text' })).toThrow('schema is invalid')
  })
})

describe('an evaluator of traces', () => {
  it.each<[string, Evaluator, Parameters<typeof context>[0], unknown]>([
    ['tools in order', calledTools(['a', 'c']), { observations: [tool('a'), tool('b'), tool('c')] }, true],
    ['tools in another order', calledTools(['c', 'a']), { observations: [tool('a'), tool('c')] }, false],
    [
      'exactly these tools',
      calledTools(['a'], { exact: true }),
      { observations: [tool('a'), tool('b')] },
      false,
    ],
    [
      'tool calls in the answer of OpenAI',
      calledTools(['search']),
      {
        observations: [
          generation({}, { output: { tool_calls: [{ type: 'function', function: { name: 'search' } }] } }),
        ],
      },
      true,
    ],
    [
      'tool calls of Anthropic and of the Responses API',
      calledTools(['look', 'up'], { exact: true }),
      {
        observations: [
          generation(
            {},
            {
              output: {
                content: [
                  { type: 'text', text: 'x' },
                  { type: 'tool_use', name: 'look' },
                ],
              },
            },
          ),
          generation({}, { output: [{ type: 'function_call', name: 'up', arguments: '{}' }] }),
        ],
      },
      true,
    ],
    ['no error', noErrors(), { observations: [generation({})] }, true],
    ['an error of a tool', noErrors(), { observations: [{ ...tool('a'), level: 'ERROR' }] }, false],
    ['a status of 500', noErrors(), { status: 500 }, false],
    [
      'tokens in disjoint kinds',
      maxTokens(30),
      { observations: [generation({ input: 10, input_cached_tokens: 5, output: 15 })] },
      true,
    ],
    [
      'tokens over all generations',
      maxTokens(30),
      { observations: [generation({ total: 20 }), generation({ total: 20 })] },
      false,
    ],
    [
      'a cost',
      maxCost(1),
      { observations: [generation({}, { cost: 0.4 }), generation({}, { cost: 0.7 })] },
      false,
    ],
    ['no known price', maxCost(1), { observations: [generation({ input: 1 })] }, null],
    ['the whole duration', maxDurationMs(100), {}, false],
    ['the first token', maxFirstTokenMs(30), {}, true],
    ['no retrieved document', grounded(), { output: 'anything' }, 0],
    [
      'words that stand in the documents',
      grounded(),
      {
        output: { answer: 'Refunds arrive tomorrow' },
        observations: [{ type: 'retriever', output: ['refunds arrive late'] }],
      },
      1 - 1 / 3,
    ],
  ])('judges %s', async (_name, evaluator, given, expected) => {
    expect(await judged(evaluator, given)).toEqual(expected)
  })
})
