import { findInJson } from '../page/content/json-match.ts'
import { alignRows } from '../page/trace/aligned-rows.ts'
import { parseDuration } from '../src/reading/query-value.ts'
import { matchesFilters, parseQuery, withFilter } from '../src/reading/trace-query.ts'
import type { TraceSummary } from '../src/reading/trace-summary.ts'
import type { OutlineRow } from '../src/server/trace-outline.ts'

const now = Date.now()

const summary: TraceSummary = {
  id: 'a'.repeat(32),
  name: 'POST /chat',
  route: '/chat',
  level: 'ERROR',
  statusCode: 502,
  startTimeMs: now - 120_000,
  endTimeMs: now - 118_800,
  durationMs: 1_200,
  userId: 'Ada L',
  sessionId: 's-1',
  tags: ['beta'],
  environment: 'staging',
  service: 'shop',
  totals: { tokens: { input: 1_000, output: 200, total: 1_200 }, cost: 0.02, models: ['gpt-4.1-mini'] },
  scores: [{ id: 's', name: 'helpful', value: 0.4 }],
  firstTokenMs: 300,
  errorMessage: 'upstream timeout',
  observationCount: 1,
  runningCount: 0,
  settled: true,
  revision: 1,
}

describe('a query', () => {
  it.each([
    ['user:"ada l"', true],
    ['user:ada', false],
    ['status:5xx level:error', true],
    ['status:502', true],
    ['status:>=500', true],
    ['status:<500', false],
    ['status:2xx', false],
    ['status:running', false],
    ['duration:>1s', true],
    ['duration:1s', true],
    ['duration:<1s', false],
    ['duration:soon', false],
    ['route:/cha', true],
    ['tag:BETA model:mini', true],
    ['tag:alpha', false],
    ['environment:staging service:shop session:s-1', true],
    ['user:', true],
    ['-user:ada', true],
    ['-user:"ada l"', false],
    ['-status:5xx', false],
    ['tokens:>1k', true],
    ['tokens:<1000', false],
    ['cost:>0.01', true],
    ['cost:>=$0.03', false],
    ['firsttoken:<500ms', true],
    ['error:timeout', true],
    ['score:helpful', true],
    ['-score:helpful', false],
    ['score:helpful<0.5', true],
    ['score:>=0.5', false],
    ['score:tone', false],
    ['time:10m', true],
    ['time:1m', false],
    ['time:<1m', true],
    ['time:>2001-01-01', true],
    ['time:<2001-01-01', false],
  ])('%j passes the trace: %s', (query, passes) => {
    expect(matchesFilters(summary, parseQuery(query).filters)).toBe(passes)
  })

  it('leaves words, phrases and unknown names to the search', () => {
    expect(parseQuery('refund user:ada "two words" http://x foo:bar')).toEqual({
      filters: [{ name: 'user', value: 'ada', negated: false }],
      text: 'refund "two words" http://x foo:bar',
      without: [],
      hints: [expect.stringMatching(/^foo: is no filter and is searched for as text\. Filters are route, /)],
    })
  })

  it('excludes words and phrases, and says what it cannot read', () => {
    expect(parseQuery('refund -test -"two words" - a-b')).toMatchObject({
      text: 'refund - a-b',
      without: ['test', '"two words"'],
      hints: [],
    })
    expect(parseQuery('durations:>1s duration:soon time:later').hints).toEqual([
      'durations: is no filter and is searched for as text. Did you mean duration:?',
      'duration: cannot read "soon". Write duration:>1s, duration:<=200ms.',
      expect.stringContaining('time: cannot read "later"'),
    ])
  })

  it('takes a filter in, over and out', () => {
    const one = withFilter('refund', 'user', 'Ada L')
    expect(one).toBe('user:"Ada L" refund')
    expect(withFilter(one, 'user', 'bob')).toBe('user:bob refund')
    expect(withFilter(one, 'user', undefined)).toBe('refund')
    expect(withFilter('-user:ada -test', 'user', 'bob')).toBe('-user:ada user:bob -test')
  })

  it.each([
    ['5', 5],
    ['200ms', 200],
    ['1.5s', 1_500],
    ['2min', 120_000],
    ['1h', 3_600_000],
    ['1y', undefined],
    ['', undefined],
  ])('reads %j as %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms))
})

describe('a comparison', () => {
  const row = (name: string, depth: number): OutlineRow =>
    ({ name, depth, type: 'span', id: name }) as OutlineRow
  const names = (left: OutlineRow[], right: OutlineRow[]): string[] =>
    alignRows(left, right).map(({ left, right }) => `${left?.name ?? ''}|${right?.name ?? ''}`)

  it('puts the same beside the same, and leaves a gap for what only one has', () => {
    const root = row('root', 0)
    expect(
      names(
        [root, row('a', 1), row('b', 1), row('d', 1)],
        [row('other root', 0), row('b', 1), row('c', 1), row('d', 1), row('e', 2)],
      ),
    ).toEqual(['root|other root', 'a|', 'b|b', '|c', 'd|d', '|e'])
    expect(names([root], [])).toEqual(['root|'])
    expect(names([], [])).toEqual([])
  })
})

describe('searching in JSON', () => {
  it('counts keys and values, and opens the way to them', () => {
    const inner = { deep: ['Needle', 1] }
    const value = { a: inner, needleKey: 2, c: { d: 3 } }
    const { count, open } = findInJson(value, 'needle')
    expect(count).toBe(2)
    expect(open).toEqual(new Set([value, inner, inner.deep]))
  })

  it('goes deeper than the call stack', () => {
    let value: unknown = 'needle'
    for (let depth = 0; depth < 50_000; depth += 1) value = [value]
    expect(findInJson(value, 'needle').count).toBe(1)
  })
})
