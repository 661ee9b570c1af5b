const maxVisited = 200_000

/** Where a text occurs in a value: how often, and which containers must be open to see it. */
export interface JsonMatches {
  count: number
  open: ReadonlySet<object>
}

/** Looks through keys and values, without recursion: a value may be nested deeper than the call stack. */
export function findInJson(value: unknown, query: string): JsonMatches {
  const wanted = query.toLowerCase()
  const open = new Set<object>()
  let count = 0
  let visited = 0
  const waiting: { value: unknown; key: string; path: Path }[] = [{ value, key: '', path: undefined }]
  for (let next = waiting.pop(); next !== undefined && visited < maxVisited; next = waiting.pop()) {
    visited += 1
    const { value, key, path } = next
    const isContainer = typeof value === 'object' && value !== null
    if (
      key.toLowerCase().includes(wanted) ||
      (!isContainer && String(value).toLowerCase().includes(wanted))
    ) {
      count += 1
      for (let up = path; up && !open.has(up.container); up = up.above) open.add(up.container)
    }
    if (!isContainer) continue
    const below = { container: value, above: path }
    for (const [name, item] of Object.entries(value)) {
      waiting.push({ value: item, key: Array.isArray(value) ? '' : name, path: below })
    }
  }
  return { count, open }
}

type Path = { container: object; above: Path } | undefined
