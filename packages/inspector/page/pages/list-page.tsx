import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { address, listAddress, query, setParameter } from '../data/navigation.ts'
import { usePageTitle } from '../data/page-title.ts'
import { dropped, heldBack, isEmpty, loaded, setPaused, traces } from '../data/traces.ts'
import { FilterBar } from '../list/filter-bar.tsx'
import { foundTraces, searching } from '../list/found-traces.ts'
import { TraceTable } from '../list/trace-table.tsx'
import { comparedId, compareWith } from '../trace/comparison.ts'
import { Invitation } from './invitation.tsx'

const activeId = signal<string | undefined>(undefined)

/** All traces, newest first. */
export function ListPage() {
  usePageTitle(query.value === '' ? 'Traces' : query.value)
  useEffect(() => {
    listAddress.value = address.value
  }, [address.value])
  if (isEmpty.value) return <Invitation />
  const found = foundTraces.value
  return (
    <main class="list-page">
      <h1 class="hidden">Traces</h1>
      <FilterBar />
      {comparedId.value && (
        <p class="banner">
          Choose the trace to compare with.
          <button type="button" onClick={() => compareWith(undefined)}>
            Cancel
          </button>
        </p>
      )}
      {heldBack.value > 0 && (
        <p class="banner">
          {count(heldBack.value)} came or changed since you paused.
          <button type="button" onClick={() => setPaused(false)}>
            Resume
          </button>
        </p>
      )}
      <TraceTable
        label="Traces"
        traces={found}
        activeId={activeId.value}
        onActive={id => {
          activeId.value = id
        }}
        onKey={(event, trace) => {
          if (event.key === 'c') compareWith(trace.id)
        }}
        {...(comparedId.value && { onOpen: compareWith })}
      />
      <p class="foot" aria-live="polite">
        {loaded.value ? summary(found.length) : 'Loading …'}
        {query.value !== '' && (
          <button type="button" class="link" onClick={() => setParameter('q', undefined)}>
            Show all
          </button>
        )}
        {dropped.value > 0 && <span>{count(dropped.value)} dropped to make room for newer ones</span>}
      </p>
    </main>
  )
}

function summary(found: number): string {
  if (searching.value) return 'Searching …'
  const all = traces.value.length
  return found === all ? count(all) : `${found.toLocaleString('en-US')} of ${count(all)}`
}

function count(traces: number): string {
  return `${traces.toLocaleString('en-US')} trace${traces === 1 ? '' : 's'}`
}
