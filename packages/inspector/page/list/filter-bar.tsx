import { signal } from '@preact/signals'
import { type FilterName, parseQuery, withFilter } from '../../src/reading/trace-query.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import { query, setParameter } from '../data/navigation.ts'
import { traces } from '../data/traces.ts'

const maxChoices = 100
const isOpen = signal(false)

interface Choice {
  name: FilterName
  label: string
  values: string[]
}

/** The search field, and selects that write into it. */
export function FilterBar() {
  const { filters, hints } = parseQuery(query.value)
  return (
    <>
      <search class="filter-bar">
        <input
          id="search"
          type="search"
          aria-label="Search and filter traces"
          placeholder="Search, or user:ada -status:2xx duration:>1s"
          dir="auto"
          value={query.value}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setParameter('q', currentTarget.value)}
          onKeyDown={event => {
            if (event.key === 'Escape') event.currentTarget.blur()
            if (event.key !== 'ArrowDown' && event.key !== 'Enter') return
            event.preventDefault()
            document.querySelector<HTMLElement>('.rows')?.focus()
          }}
        />
        <kbd>/</kbd>
        <button
          type="button"
          aria-expanded={isOpen.value}
          aria-controls="filters"
          onClick={() => {
            isOpen.value = !isOpen.value
          }}
        >
          Filter{filters.length > 0 && <span class="count">{filters.length}</span>}
        </button>
      </search>
      {hints.length > 0 && (
        <p class="hints" role="status">
          {hints.map(hint => (
            <span key={hint}>{hint}</span>
          ))}
        </p>
      )}
      <fieldset id="filters" class="filters" hidden={!isOpen.value} aria-label="Filters">
        {isOpen.value && choices(traces.value).map(choice => <Select key={choice.name} choice={choice} />)}
      </fieldset>
    </>
  )
}

function Select({ choice: { name, label, values } }: { choice: Choice }) {
  const chosen =
    parseQuery(query.value).filters.find(filter => filter.name === name && !filter.negated)?.value ?? ''
  const all = chosen === '' || values.includes(chosen) ? values : [chosen, ...values]
  return (
    <div>
      <label for={`filter-${name}`}>{label}</label>
      <select
        id={`filter-${name}`}
        value={chosen}
        onChange={({ currentTarget }) =>
          setParameter('q', withFilter(query.value, name, currentTarget.value))
        }
      >
        <option value="">any</option>
        {all.map(value => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </div>
  )
}

function choices(all: readonly TraceSummary[]): Choice[] {
  return [
    { name: 'status', label: 'Status', values: ['2xx', '3xx', '4xx', '5xx', 'running'] },
    { name: 'level', label: 'Level', values: ['ERROR', 'WARNING', 'DEFAULT', 'DEBUG'] },
    { name: 'route', label: 'Route', values: distinct(all, trace => [trace.name]) },
    { name: 'user', label: 'User', values: distinct(all, trace => [trace.userId]) },
    { name: 'session', label: 'Session', values: distinct(all, trace => [trace.sessionId]) },
    { name: 'tag', label: 'Tag', values: distinct(all, trace => trace.tags) },
    { name: 'model', label: 'Model', values: distinct(all, trace => trace.totals.models) },
    { name: 'duration', label: 'Duration', values: ['>100ms', '>1s', '>5s', '>30s'] },
  ]
}

function distinct(
  all: readonly TraceSummary[],
  read: (trace: TraceSummary) => readonly (string | undefined)[],
): string[] {
  const counts = new Map<string, number>()
  for (const trace of all) {
    for (const value of read(trace)) if (value) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, maxChoices)
    .map(([value]) => value)
}
