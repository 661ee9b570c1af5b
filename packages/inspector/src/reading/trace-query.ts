import { compareNumbers, parseDuration, parseTime } from './query-value.ts'
import type { TraceSummary } from './trace-summary.ts'

/** A filter that a query may contain, such as `user:ada`. */
interface FilterKind {
  /** How it is written, for the help. */
  example: string
  /** Whether the trace passes; `undefined` if the value cannot be read. */
  test(trace: TraceSummary, value: string, nowMs: number): boolean | undefined
}

const same = (held: string | undefined, value: string): boolean =>
  held !== undefined && held.toLowerCase() === value.toLowerCase()

const contains = (held: string | undefined, value: string): boolean =>
  held?.toLowerCase().includes(value.toLowerCase()) ?? false

/** One of the names that a query knows. */
export type FilterName =
  | 'route'
  | 'path'
  | 'status'
  | 'level'
  | 'error'
  | 'user'
  | 'session'
  | 'tag'
  | 'model'
  | 'duration'
  | 'firsttoken'
  | 'tokens'
  | 'cost'
  | 'score'
  | 'time'
  | 'environment'
  | 'service'
  | 'release'

const kinds: Record<FilterName, FilterKind> = {
  route: {
    example: 'route:/chat',
    test: ({ route, name }, value) => contains(route, value) || contains(name, value),
  },
  path: { example: 'path:/orders/7', test: ({ path }, value) => contains(path, value) },
  status: { example: 'status:5xx, status:>=400, status:running', test: testStatus },
  level: { example: 'level:error', test: ({ level }, value) => same(level, value) },
  error: { example: 'error:timeout', test: ({ errorMessage }, value) => contains(errorMessage, value) },
  user: { example: 'user:"Ada L"', test: ({ userId }, value) => same(userId, value) },
  session: { example: 'session:s-1', test: ({ sessionId }, value) => same(sessionId, value) },
  tag: { example: 'tag:beta', test: ({ tags }, value) => tags.some(tag => same(tag, value)) },
  model: {
    example: 'model:mini',
    test: ({ totals }, value) => totals.models.some(model => contains(model, value)),
  },
  duration: {
    example: 'duration:>1s, duration:<=200ms',
    test: ({ durationMs }, value) => compareNumbers(durationMs, value, parseDuration, '>'),
  },
  firsttoken: {
    example: 'firsttoken:>800ms',
    test: ({ firstTokenMs }, value) => compareNumbers(firstTokenMs, value, parseDuration, '>'),
  },
  tokens: {
    example: 'tokens:>1000',
    test: ({ totals }, value) => compareNumbers(totals.tokens.total, value, parseNumber, '>'),
  },
  cost: {
    example: 'cost:>0.01',
    test: ({ totals }, value) =>
      compareNumbers(totals.cost, value, text => parseNumber(text.replace('$', '')), '>'),
  },
  score: { example: 'score:helpful, score:helpful<0.5, score:>=1', test: testScore },
  time: {
    example: 'time:10m (the last ten minutes), time:>14:30, time:<2026-11-28T10:00',
    test: ({ startTimeMs }, value, nowMs) =>
      compareNumbers(startTimeMs, value, text => parseTime(text, nowMs), '>'),
  },
  environment: {
    example: 'environment:staging',
    test: ({ environment }, value) => same(environment, value),
  },
  service: { example: 'service:shop', test: ({ service }, value) => same(service, value) },
  release: { example: 'release:1.4', test: ({ release }, value) => contains(release, value) },
}

/** The names that a query knows, as in `user:ada`, each with examples. */
export const filterExamples: readonly (readonly [name: FilterName, example: string])[] = Object.entries(
  kinds,
).map(([name, { example }]) => [name as FilterName, example] as const)

const filterNames = Object.keys(kinds) as FilterName[]

/** A condition that traces must meet, or must not if `negated`. */
export interface Filter {
  name: FilterName
  value: string
  negated: boolean
}

/** A query, taken apart. */
export interface TraceQuery {
  filters: Filter[]
  /** Words that must occur anywhere in a trace. */
  text: string
  /** Words and phrases that must not occur. */
  without: string[]
  /** What the query does not understand, in sentences for the user. */
  hints: string[]
}

/** Takes a query apart: `status:5xx -user:"Ada L" refund -test`. */
export function parseQuery(query: string): TraceQuery {
  const parsed: TraceQuery = { filters: [], text: '', without: [], hints: [] }
  const words: string[] = []
  for (const [whole, minus, prefix, quoted, bare] of query.matchAll(
    /(?<=^|\s)(-)?(?:([a-z]+):(?!\/\/))?(?:"([^"]*)"|(\S+))?/gi,
  )) {
    if (whole === '') continue
    const name = filterNames.find(known => known === prefix?.toLowerCase())
    const value = quoted ?? bare ?? ''
    if (name) {
      if (isUnreadable(name, value))
        parsed.hints.push(`${name}: cannot read "${value}". Write ${kinds[name].example}.`)
      parsed.filters.push({ name, value, negated: minus !== undefined })
      continue
    }
    if (prefix !== undefined) parsed.hints.push(unknownFilter(prefix))
    if (minus !== undefined && whole.length > 1) parsed.without.push(whole.slice(1))
    else words.push(whole)
  }
  return { ...parsed, text: words.join(' ') }
}

/** A query with a filter set anew, or removed; negated filters of that name stay. */
export function withFilter(query: string, name: FilterName, value: string | undefined): string {
  const { filters, text, without } = parseQuery(query)
  const others = filters.filter(filter => filter.name !== name || filter.negated)
  const all = value ? [...others, { name, value, negated: false }] : others
  return [...all.map(formatFilter), text, ...without.map(word => `-${word}`)]
    .filter(part => part !== '')
    .join(' ')
}

/** Whether a trace passes all filters; words are looked up elsewhere. */
export function matchesFilters(trace: TraceSummary, filters: Filter[], nowMs: number = Date.now()): boolean {
  return filters.every(({ name, value, negated }) => {
    if (value === '') return true
    return (kinds[name].test(trace, value, nowMs) ?? false) !== negated
  })
}

function formatFilter({ name, value, negated }: Filter): string {
  return `${negated ? '-' : ''}${name}:${/[\s"]|^$/.test(value) ? `"${value.replaceAll('"', '')}"` : value}`
}

function unknownFilter(prefix: string): string {
  const near = filterNames.find(name => name.startsWith(prefix.toLowerCase().slice(0, 3)))
  const remedy = near ? `Did you mean ${near}:?` : `Filters are ${filterNames.join(', ')}.`
  return `${prefix}: is no filter and is searched for as text. ${remedy}`
}

/** A trace for which every filter with a readable value can tell. */
const probe: TraceSummary = {
  id: '',
  name: '',
  level: 'DEFAULT',
  statusCode: 200,
  startTimeMs: 0,
  endTimeMs: 0,
  durationMs: 0,
  firstTokenMs: 0,
  tags: [],
  environment: '',
  totals: { tokens: { input: 0, output: 0, total: 0 }, cost: 0, models: [] },
  scores: [],
  observationCount: 1,
  runningCount: 0,
  settled: true,
  revision: 1,
}

function isUnreadable(name: FilterName, value: string): boolean {
  return value !== '' && kinds[name].test(probe, value, 0) === undefined
}

function testStatus({ statusCode, runningCount }: TraceSummary, value: string): boolean | undefined {
  if (value === 'running') return runningCount > 0
  return /^\dxx$/i.test(value)
    ? statusCode !== undefined && Math.floor(statusCode / 100) === Number(value[0])
    : compareNumbers(statusCode, value, parseNumber, '=')
}

function testScore({ scores }: TraceSummary, value: string): boolean | undefined {
  const [, name = '', sign, bound = ''] = /^([^<>=]*)([<>]=?|=)?(.*)$/.exec(value) ?? []
  const named = scores.filter(score => name === '' || same(score.name, name))
  if (sign === undefined) return named.length > 0
  const isNumber = parseNumber(bound) !== undefined
  if (!isNumber) return sign === '=' ? named.some(score => same(String(score.value), bound)) : undefined
  return named.some(score => compareNumbers(Number(score.value), sign + bound, parseNumber, '=') ?? false)
}

function parseNumber(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?|\.\d+)([km]?)$/i.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * ({ k: 1e3, m: 1e6 }[unit.toLowerCase()] ?? 1)
}
