import { computed, effect, signal } from '@preact/signals'
import { matchesFilters, parseQuery } from '../../src/reading/trace-query.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import { query } from '../data/navigation.ts'
import { searchTraces } from '../data/server.ts'
import { traces } from '../data/traces.ts'

const typingPauseMs = 150

/** The query of the list, taken apart. */
const parsedQuery = computed(() => parseQuery(query.value))

/** What the server looks up: words that must occur, and words that must not. */
const wanted = computed(() => JSON.stringify([parsedQuery.value.text, parsedQuery.value.without]))
const isWanted = computed(() => parsedQuery.value.text !== '' || parsedQuery.value.without.length > 0)
const matches = signal<Matches | undefined>(undefined)

interface Matches {
  /** The words for which these are the answers. */
  of: string
  ids: ReadonlySet<string> | undefined
  excluded: ReadonlySet<string>
}

/** Whether the answer to the words that were typed last is still to come. */
export const searching = computed(() => isWanted.value && matches.value?.of !== wanted.value)

/** The traces that the query asks for, newest first. */
export const foundTraces = computed((): readonly TraceSummary[] => {
  const { filters } = parsedQuery.value
  const found = isWanted.value ? matches.value : undefined
  if (filters.length === 0 && !found) return traces.value
  return traces.value.filter(
    trace =>
      (!found?.ids || found.ids.has(trace.id)) &&
      !found?.excluded.has(trace.id) &&
      matchesFilters(trace, filters),
  )
})

let pending: ReturnType<typeof setTimeout> | undefined

effect(() => {
  // Read, so that new traces are looked through as well.
  void traces.value
  // One search at a time, for what is wanted when it starts: traces that keep coming must not put it off.
  if (isWanted.value && pending === undefined) pending = setTimeout(search, typingPauseMs)
})

async function search(): Promise<void> {
  pending = undefined
  const of = wanted.peek()
  if (!isWanted.peek()) return
  const { text, without } = parsedQuery.peek()
  const find = async (words: string): Promise<string[]> =>
    (await searchTraces(words).catch(() => ({ ids: [] }))).ids
  const [ids, ...excluded] = await Promise.all([text === '' ? undefined : find(text), ...without.map(find)])
  if (wanted.peek() !== of) return
  matches.value = { of, ids: ids && new Set(ids), excluded: new Set(excluded.flatMap(list => list ?? [])) }
}
