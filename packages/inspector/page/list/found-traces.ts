import { computed, effect, signal } from '@preact/signals'
import { matchesFilters, parseQuery } from '../../src/reading/trace-query.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import { query } from '../data/navigation.ts'
import { searchTraces } from '../data/server.ts'
import { traces } from '../data/traces.ts'

const typingPauseMs = 150

const parsed = computed(() => parseQuery(query.value))
const text = computed(() => parsed.value.text)
const matches = signal<{ text: string; ids: ReadonlySet<string> } | undefined>(undefined)

/** Whether the answer to the words that were typed last is still to come. */
export const searching = computed(() => text.value !== '' && matches.value?.text !== text.value)

/** The traces that the query asks for, newest first. */
export const foundTraces = computed((): readonly TraceSummary[] => {
  const { filters } = parsed.value
  const ids = text.value === '' ? undefined : matches.value?.ids
  if (filters.length === 0 && !ids) return traces.value
  return traces.value.filter(trace => (!ids || ids.has(trace.id)) && matchesFilters(trace, filters))
})

let pending: ReturnType<typeof setTimeout> | undefined

effect(() => {
  // Read, so that new traces are looked through as well.
  void traces.value
  // What is waiting will look for what is wanted by then: traces that keep coming must not put it off.
  if (text.value !== '' && pending === undefined) pending = setTimeout(search, typingPauseMs)
})

async function search(): Promise<void> {
  pending = undefined
  const wanted = text.peek()
  if (wanted === '') return
  const { ids } = await searchTraces(wanted).catch(() => ({ ids: [] }))
  if (text.peek() === wanted) matches.value = { text: wanted, ids: new Set(ids) }
}
