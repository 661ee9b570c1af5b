import type { Observation, Trace } from '@langfuse-middleware/inspector'
import type { Scenario } from './scenarios.mjs'
import { problemsOf, problemsOfRequest, type Sent } from './trace-check.mjs'

const scenario: Scenario = {
  title: 'A question',
  app: 'chat',
  request: 'POST /chat',
  status: 200,
  trace: {
    name: 'POST /chat',
    status: 200,
    userId: 'ada',
    observations: ['agent agent', 'agent agent > answer generation', 'agent agent > answer generation'],
  },
}
const sent: Sent = { scenario, requestId: 'request-1', sessionId: 'session-1', status: 200 }

describe('the check of the demo’s traces', () => {
  it('has nothing to say of a whole trace', () => {
    expect(problemsOf([sent], [whole()])).toEqual([])
  })

  it('misses a trace that was removed', () => {
    expect(problemsOf([sent], [])).toEqual(['A question: no trace arrived'])
  })

  it('misses an observation that was removed, even one of two alike', () => {
    const trace = whole()
    trace.root!.children[0]!.children.pop()
    expect(problemsOf([sent], [trace])).toEqual(['A question: missing agent agent > answer generation'])
  })

  it('misses the root, and the parent of what has none', () => {
    const { root: _, ...rootless } = { ...whole(), metadata: {} }
    expect(problemsOf([sent], [rootless])).toEqual([
      'A question: no trace arrived',
      `unexpected trace POST /chat without a root (${rootless.id})`,
    ])
    const trace = whole()
    trace.observations[2]!.orphan = true
    expect(problemsOf([sent], [trace])).toEqual(['A question: the parent of answer has not arrived'])
  })

  it.each<[string, (trace: Trace, answer: Observation) => void]>([
    ['user of answer is absent instead of ada', (_, answer) => delete answer.userId],
    [
      'session of answer is other instead of session-1',
      (_, answer) => Object.assign(answer, { sessionId: 'other' }),
    ],
    ['level is ERROR instead of DEFAULT', trace => Object.assign(trace.root!, { level: 'ERROR' })],
    ['status is absent instead of 200', trace => delete trace.statusCode],
    ['name is POST / instead of POST /chat', trace => Object.assign(trace, { name: 'POST /' })],
    ['answer has no tokens', (_, answer) => Object.assign(answer.tokens, { total: 0 })],
  ])('sees that %s', (problem, spoil) => {
    const trace = whole()
    spoil(trace, trace.observations[2]!)
    expect(problemsOf([sent], [trace])).toContain(`A question: ${problem}`)
  })

  it('sees a level that an observation should not have', () => {
    const trace = whole()
    Object.assign(trace.observations[2]!, { level: 'ERROR' })
    expect(problemsOf([sent], [trace])).toEqual([
      'A question: missing agent agent > answer generation',
      'A question: unexpected agent agent > answer generation ERROR',
    ])
  })

  it('sees that a service had no part in the trace, where it knows the services', () => {
    const services = {
      ...sent,
      scenario: { ...scenario, trace: { ...scenario.trace!, services: ['a', 'b'] } },
    }
    expect(problemsOf([services], [whole()])).toEqual([])
    const trace = whole()
    for (const one of trace.observations) one.resource['service.name'] = 'a'
    expect(problemsOf([services], [trace])).toEqual(['A question: services is a instead of a and b'])
    trace.observations[2]!.resource['service.name'] = 'b'
    expect(problemsOf([services], [trace])).toEqual([])
  })

  it('sees an answer with another status', () => {
    expect(problemsOf([{ ...sent, status: 500 }], [whole()])).toEqual([
      'A question: answered 500 instead of 200',
    ])
  })

  it('sees a trace that nobody asked for, and a trace too many', () => {
    const stranger = { ...whole(), id: 'f'.repeat(32), name: 'GET /health', metadata: {} }
    expect(problemsOf([sent], [whole(), stranger])).toEqual([`unexpected trace GET /health (${stranger.id})`])
    expect(problemsOf([sent], [whole(), whole()])).toEqual([
      'A question: traces: 2 instead of 1 (POST /chat, POST /chat)',
    ])
  })

  it('sees a trace of a request that was to leave none', () => {
    const { trace: _, ...untraced } = scenario
    const health = { ...sent, scenario: untraced }
    expect(problemsOf([health], [])).toEqual([])
    expect(problemsOf([health], [whole()])).toEqual(['A question: traces: 1 instead of 0 (POST /chat)'])
  })

  it('allows more than was expected where a real model decides, but never less', () => {
    const trace = whole()
    trace.root!.children.push(observation('extra', 'tool'))
    expect(problemsOfRequest(sent, [trace])).toEqual(['A question: unexpected extra tool'])
    expect(problemsOfRequest(sent, [trace], { exact: false })).toEqual([])
    trace.root!.children.shift()
    expect(problemsOfRequest(sent, [trace], { exact: false })).not.toEqual([])
  })

  it('counts no tokens of an answer that was cut short', () => {
    const trace = whole()
    for (const { tokens } of trace.observations) tokens.total = 0
    const cutShort = { ...sent, scenario: { ...scenario, trace: { ...scenario.trace!, cutShort: true } } }
    expect(problemsOf([cutShort], [trace])).toEqual([])
  })
})

function whole(): Trace {
  const answers = [observation('answer', 'generation'), observation('answer', 'generation')]
  const agent = observation('agent', 'agent', answers)
  const root = observation('POST /chat', 'span', [agent])
  return {
    id: 'a'.repeat(32),
    name: 'POST /chat',
    level: 'DEFAULT',
    statusCode: 200,
    startTimeMs: 0,
    endTimeMs: 0,
    durationMs: 0,
    root,
    topLevel: [root],
    observations: [root, agent, ...answers],
    metadata: { requestId: 'request-1' },
    tags: [],
    environment: 'development',
    totals: { tokens: { input: 1, output: 1, total: 2 }, cost: 0, models: [] },
    scores: [],
    settled: true,
    revision: 1,
  }
}

function observation(name: string, type: string, children: Observation[] = []): Observation {
  return {
    id: name,
    traceId: 'a'.repeat(32),
    orphan: false,
    children,
    name,
    type,
    level: 'DEFAULT',
    startTimeMs: 0,
    endTimeMs: 0,
    durationMs: 0,
    metadata: {},
    usage: {},
    tokens: { input: 1, output: 1, total: 2 },
    costDetails: {},
    cost: 0,
    userId: 'ada',
    sessionId: 'session-1',
    tags: [],
    environment: 'development',
    scope: 'langfuse-sdk',
    attributes: {},
    resource: {},
    events: [],
    links: [],
  }
}
