import type { TraceSummary } from './trace-summary.ts'

/** The names that a query knows, as in `user:ada`. */
export const filterNames = [
  'route',
  'status',
  'level',
  'user',
  'session',
  'tag',
  'duration',
  'model',
  'environment',
  'service',
] as const

/** One of the names that a query knows. */
export type FilterName = (typeof filterNames)[number]

/** A query, taken apart. */
export interface TraceQuery {
  filters: { name: FilterName; value: string }[]
  /** What is left: words to be found anywhere. */
  text: string
}

/** Takes a query apart: `status:5xx user:"Ada L" refund`. */
export function parseQuery(query: string): TraceQuery {
  const filters: TraceQuery['filters'] = []
  const words: string[] = []
  for (const [whole, prefix, quoted, bare] of query.matchAll(/(?:([a-z]+):)?(?:"([^"]*)"|(\S+))/gi)) {
    const name = filterNames.find(known => known === prefix?.toLowerCase())
    if (name) filters.push({ name, value: quoted ?? bare ?? '' })
    else words.push(whole)
  }
  return { filters, text: words.join(' ') }
}

/** A query with a filter set anew, or removed. */
export function withFilter(query: string, name: FilterName, value: string | undefined): string {
  const { filters, text } = parseQuery(query)
  const others = filters.filter(filter => filter.name !== name)
  const all = value ? [...others, { name, value }] : others
  return [...all.map(formatFilter), text].filter(part => part !== '').join(' ')
}

/** Whether a trace passes all filters; words are looked up elsewhere. */
export function matchesFilters(trace: TraceSummary, filters: TraceQuery['filters']): boolean {
  return filters.every(({ name, value }) => value === '' || tests[name](trace, value))
}

/** Milliseconds of `1s`, `200ms`, `2min`; a bare number is milliseconds. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = 'ms'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min)?$/i.exec(text) ?? []
  if (amount === undefined) return undefined
  const factor = { ms: 1, s: 1000, m: 60_000, min: 60_000 }[unit.toLowerCase()] ?? 1
  return Number(amount) * factor
}

function formatFilter({ name, value }: { name: FilterName; value: string }): string {
  return `${name}:${/[\s"]|^$/.test(value) ? `"${value.replaceAll('"', '')}"` : value}`
}

const same = (held: string | undefined, value: string): boolean =>
  held !== undefined && held.toLowerCase() === value.toLowerCase()

const contains = (held: string | undefined, value: string): boolean =>
  held?.toLowerCase().includes(value.toLowerCase()) ?? false

const tests: Record<FilterName, (trace: TraceSummary, value: string) => boolean> = {
  route: (trace, value) => contains(trace.route, value) || contains(trace.name, value),
  status: ({ statusCode, runningCount }, value) => {
    if (value === 'running') return runningCount > 0
    return /^\dxx$/i.test(value)
      ? statusCode !== undefined && Math.floor(statusCode / 100) === Number(value[0])
      : compare(statusCode, value, Number, '=')
  },
  level: (trace, value) => same(trace.level, value),
  user: (trace, value) => same(trace.userId, value),
  session: (trace, value) => same(trace.sessionId, value),
  tag: (trace, value) => trace.tags.some(tag => same(tag, value)),
  duration: (trace, value) => compare(trace.durationMs, value, parseDuration, '>'),
  model: (trace, value) => trace.totals.models.some(model => contains(model, value)),
  environment: (trace, value) => same(trace.environment, value),
  service: (trace, value) => same(trace.service, value),
}

function compare(
  held: number | undefined,
  value: string,
  read: (text: string) => number | undefined,
  otherwise: '>' | '=',
): boolean {
  const [, sign, text = ''] = /^([<>]=?|=)?(.*)$/.exec(value) ?? []
  const bound = read(text)
  if (held === undefined || bound === undefined || Number.isNaN(bound)) return false
  switch (sign ?? otherwise) {
    case '<':
      return held < bound
    case '<=':
      return held <= bound
    case '>':
      return held > bound
    case '>=':
      return held >= bound
    default:
      return held === bound
  }
}
