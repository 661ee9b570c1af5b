import type { TraceSummary } from '../../src/reading/trace-summary.ts'

/** The columns of a list of traces, with what they are sorted by; those without cannot be sorted. */
export const columns: readonly {
  name: string
  key?: string
  read?: (trace: TraceSummary) => number | string | undefined
}[] = [
  { name: 'Time', key: 'time', read: trace => trace.startTimeMs },
  { name: 'Status', key: 'status', read: trace => trace.statusCode },
  { name: 'Name', key: 'name', read: trace => trace.name },
  { name: 'User', key: 'user', read: trace => trace.userId },
  { name: 'Session', key: 'session', read: trace => trace.sessionId },
  { name: 'Duration', key: 'duration', read: trace => trace.durationMs },
  { name: 'Tokens', key: 'tokens', read: trace => trace.totals.tokens.total },
  { name: 'Cost', key: 'cost', read: trace => trace.totals.cost },
  { name: 'Models' },
]

/** The same traces in the order that `sorting` asks for, such as `-duration`; what has no value comes last. */
export function sortTraces(traces: readonly TraceSummary[], sorting: string): readonly TraceSummary[] {
  const isDescending = sorting.startsWith('-')
  const key = sorting.replace('-', '')
  const read = columns.find(column => column.key === key)?.read
  if (!read) return traces
  const direction = isDescending ? -1 : 1
  return traces.toSorted((a, b) => {
    const left = read(a)
    const right = read(b)
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined)
    if (left === right) return 0
    const order = typeof left === 'string' ? left.localeCompare(String(right)) : left - Number(right)
    return direction * order
  })
}

/** The sorting after a click on a column: descending, ascending, none. */
export function nextSorting(sorting: string, key: string): string | undefined {
  if (sorting === `-${key}`) return key
  return sorting === key ? undefined : `-${key}`
}
