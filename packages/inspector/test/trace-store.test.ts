import { decodeJson } from '../src/otlp/otlp-json.ts'
import type { Trace } from '../src/reading/trace.ts'
import { createTraceStore, type TraceStore, type TraceStoreOptions } from '../src/store/trace-store.ts'
import { jsonExport, jsonSpan, type SpanFixture, traceId } from './span-fixture.ts'

let settled: Trace[]

beforeEach(() => {
  settled = []
  jest.useFakeTimers()
})

afterEach(() => jest.useRealTimers())

const create = (options: Partial<TraceStoreOptions> = {}): TraceStore =>
  createTraceStore({
    maxTraces: 100,
    maxSpans: 1000,
    maxBytes: 1e9,
    settleMs: 300,
    rootlessSettleMs: 10_000,
    onSettle: trace => settled.push(trace),
    ...options,
  })

const add = (store: TraceStore, ...spans: SpanFixture[]): string[] =>
  store.addSpans(decodeJson(Buffer.from(jsonExport(spans.map(jsonSpan)))).spans)

const shape = (trace: Trace | undefined): unknown => {
  const outline = (observations: Trace['topLevel']): unknown =>
    Object.fromEntries(
      observations.map(({ name, orphan, children }) => [orphan ? `${name}?` : name, outline(children)]),
    )
  return outline(trace?.topLevel ?? [])
}

describe('a trace settles', () => {
  it('once its root is here and nothing has come for settleMs', () => {
    const store = create()
    add(store, { id: '1' })
    jest.advanceTimersByTime(299)
    add(store, { id: '2', parent: '1' })
    jest.advanceTimersByTime(299)
    expect(settled).toEqual([])
    jest.advanceTimersByTime(1)
    expect(settled).toMatchObject([{ settled: true, revision: 1, observations: [{}, {}] }])
  })

  it('only after its late root', () => {
    const store = create()
    add(store, { id: '2', parent: '1', name: 'child' })
    jest.advanceTimersByTime(9_999)
    expect(store.traces()).toMatchObject([{ settled: false, name: 'child' }])
    add(store, { id: '1', name: 'root' })
    jest.advanceTimersByTime(300)
    expect(settled.map(shape)).toEqual([{ root: { child: {} } }])
  })

  it('without a root when none comes for rootlessSettleMs', () => {
    const store = create()
    add(store, { id: '2', parent: '1', name: 'child' })
    jest.advanceTimersByTime(10_000)
    expect(settled.map(shape)).toEqual([{ 'child?': {} }])
    expect(settled[0]?.root).toBeUndefined()
  })

  it('again after a late span or score, with a higher revision', () => {
    const store = create()
    add(store, { id: '1' })
    jest.advanceTimersByTime(300)
    add(store, { id: '2', parent: '1' })
    expect(store.trace(traceId('a'))?.settled).toBe(false)
    jest.advanceTimersByTime(300)
    store.addScore({ id: 's', traceId: traceId('a'), name: 'helpful', value: 1 })
    jest.advanceTimersByTime(300)
    expect(settled.map(({ revision, scores }) => [revision, scores.length])).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
    ])
  })

  it('not again for spans and scores that were sent twice', () => {
    const store = create()
    const score = { id: 's', traceId: traceId('a'), name: 'helpful', value: 1 }
    for (let sending = 0; sending < 2; sending += 1) {
      add(store, { id: '1' }, { id: '2', parent: '1' })
      store.addScore({ ...score })
      jest.advanceTimersByTime(300)
    }
    expect(settled).toHaveLength(1)
    expect(store.stats()).toMatchObject({ spans: 2, duplicateSpans: 2, scores: 1 })
  })

  it('at once when told to', () => {
    const store = create()
    add(store, { id: '2', parent: '1' })
    store.settleAll()
    jest.advanceTimersByTime(60_000)
    expect(settled).toHaveLength(1)
  })
})

describe('the tree', () => {
  const shapeOf = (...spans: SpanFixture[]): unknown => {
    const store = create()
    for (const span of spans) add(store, span)
    return shape(store.trace(traceId('a')))
  }

  it('is the same whatever the order of arrival', () => {
    const spans = [
      { id: '1', name: 'root', startMs: 0 },
      { id: '2', name: 'first', parent: '1', startMs: 1 },
      { id: '3', name: 'inner', parent: '2', startMs: 2 },
      { id: '4', name: 'second', parent: '1', startMs: 3 },
    ]
    const expected = { root: { first: { inner: {} }, second: {} } }
    expect(shapeOf(...spans)).toEqual(expected)
    expect(shapeOf(...spans.toReversed())).toEqual(expected)
    expect(JSON.stringify(shapeOf(...spans.toReversed()))).toBe(JSON.stringify(expected))
  })

  it('shows a span whose parent is missing below the root, flagged', () => {
    expect(shapeOf({ id: '1', name: 'root' }, { id: '2', parent: 'ff', name: 'lost' })).toEqual({
      root: { 'lost?': {} },
    })
  })

  it('keeps every span of a circle of parents', () => {
    const circle = [
      { id: '2', parent: '3', name: 'b' },
      { id: '3', parent: '2', name: 'c' },
      { id: '4', parent: '4', name: 'own parent' },
    ]
    expect(shapeOf(...circle)).toEqual({ 'b?': { c: {} }, 'own parent?': {} })
  })

  it('takes the later version of a span that was sent again', () => {
    const store = create()
    add(store, { id: '1', name: 'early', durationMs: 1 })
    add(store, { id: '1', name: 'late', durationMs: 9 })
    expect(store.trace(traceId('a'))).toMatchObject({ name: 'late', durationMs: 9, observations: [{}] })
  })
})

describe('a trace as a whole', () => {
  it('takes name and user from what arrived last, input and output from the root', () => {
    const store = create()
    const attributes = (name: string, user: string) => ({
      'langfuse.trace.name': name,
      'user.id': user,
      'langfuse.observation.input': `input of ${name}`,
    })
    add(store, { id: '1', attributes: attributes('of the root', 'ada') })
    add(store, { id: '2', parent: '1', attributes: attributes('of the child', 'grace') })
    add(store, { id: '3', parent: '1' })
    expect(store.trace(traceId('a'))).toMatchObject({
      name: 'of the child',
      userId: 'grace',
      input: 'input of of the root',
    })
    add(store, { id: '1', attributes: attributes('of the root, again', 'ada') })
    expect(store.trace(traceId('a'))).toMatchObject({ name: 'of the root, again', userId: 'ada' })
  })

  it.each([
    ['{"a":[1]}', { a: [1] }],
    [' [1, "b"]', [1, 'b']],
    ['42', '42'],
    ['[brackets] in a sentence', '[brackets] in a sentence'],
  ])('has the input %s as %j', (sent, input) => {
    const store = create()
    add(store, { attributes: { 'langfuse.observation.input': sent } })
    expect(store.trace(traceId('a'))?.input).toEqual(input)
  })

  it('has no input without a root, and the worst level of all', () => {
    const store = create()
    add(
      store,
      {
        id: '2',
        parent: '1',
        attributes: { 'langfuse.observation.input': 'x', 'langfuse.observation.level': 'ERROR' },
      },
      { id: '3', parent: '1', attributes: { 'langfuse.observation.level': 'DEBUG' } },
    )
    expect(store.trace(traceId('a'))).toMatchObject({ level: 'ERROR', environment: 'default' })
    expect(store.trace(traceId('a'))).not.toHaveProperty('input')
  })

  it.each([
    ['{"input":10,"output":5}', { input: 10, output: 5, total: 15 }],
    ['{"input":10,"input_cached_tokens":4,"output":5,"total":30}', { input: 14, output: 5, total: 30 }],
    ['{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}', { input: 10, output: 5, total: 15 }],
    ['{"input":"many","output":null}', { input: 0, output: 0, total: 0 }],
    ['not JSON', { input: 0, output: 0, total: 0 }],
  ])('counts tokens of %s', (usage, tokens) => {
    const store = create()
    add(store, { attributes: { 'langfuse.observation.usage_details': usage } })
    expect(store.trace(traceId('a'))?.totals.tokens).toEqual(tokens)
  })
})

describe('memory', () => {
  it('is bounded in traces, the oldest going first', () => {
    const store = create({ maxTraces: 2 })
    for (const trace of ['a', 'b', 'c']) add(store, { trace })
    expect(store.traces().map(({ id }) => id)).toEqual([traceId('b'), traceId('c')])
    expect(store.stats()).toMatchObject({ evictedTraces: 1, spans: 2 })
  })

  it('is bounded in spans, and a single trace cannot outgrow the bound', () => {
    const store = create({ maxSpans: 3 })
    add(store, { trace: 'a' }, { trace: 'a', id: '2' })
    const reasons = ['1', '2', '3', '4'].flatMap(id => add(store, { trace: 'b', id }))
    expect(store.stats()).toMatchObject({ traces: 1, spans: 3, evictedTraces: 1 })
    expect(reasons).toEqual([expect.stringMatching(/^no room for more/)])
  })

  it('is bounded in bytes', () => {
    const store = create({ maxBytes: 30_000 })
    const large = { attributes: { 'langfuse.observation.input': 'x'.repeat(5_000) } }
    for (let trace = 1; trace <= 10; trace += 1) add(store, { trace: `${trace}`, ...large })
    expect(store.stats()).toMatchObject({ traces: 2, evictedTraces: 8 })
    expect(add(store, { trace: 'f', attributes: { input: 'x'.repeat(50_000) } })).toHaveLength(1)
    expect(store.trace(traceId('f'))).toBeUndefined()
  })

  it('is free again after clear', () => {
    const store = create({ maxSpans: 1 })
    add(store, { trace: 'a' })
    store.clear()
    jest.advanceTimersByTime(300)
    expect(add(store, { trace: 'b' })).toEqual([])
    expect(settled).toEqual([])
    expect(store.stats()).toMatchObject({ traces: 1, spans: 1, evictedTraces: 0 })
  })

  it('holds scores of traces that have not arrived, without listing them', () => {
    const store = create()
    store.addScore({ id: 's', traceId: traceId('a'), name: 'helpful', value: 1 })
    jest.advanceTimersByTime(60_000)
    expect([store.traces(), settled]).toEqual([[], []])
    add(store, { trace: 'a' })
    expect(store.traces()).toMatchObject([{ scores: [{ name: 'helpful' }] }])
  })
})
