import { useEffect, useMemo } from 'preact/hooks'
import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import { parseQuery } from '../../src/reading/trace-query.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import { nowMs } from '../data/clock.ts'
import { navigate, query, setParameter, sorting, traceAddress } from '../data/navigation.ts'
import { listedIds } from '../data/traces.ts'
import { LevelMark, StatusMark } from '../parts/marks.tsx'
import { formatFullMoment, formatMoment } from '../parts/moment.ts'
import { isNarrow } from '../parts/screen.ts'
import { VirtualRows } from '../parts/virtual-rows.tsx'
import { columns, nextSorting, sortTraces } from './sorted-traces.ts'

/** A list of traces, however long. */
export function TraceTable(props: {
  label: string
  traces: readonly TraceSummary[]
  activeId: string | undefined
  onActive(id: string): void
  onOpen?(id: string): void
  onKey?(event: KeyboardEvent, trace: TraceSummary): void
}) {
  const { activeId } = props
  const traces = useMemo(() => sortTraces(props.traces, sorting.value), [props.traces, sorting.value])
  useEffect(() => {
    listedIds.value = traces.map(({ id }) => id)
  }, [traces])
  const active = activeId === undefined ? -1 : traces.findIndex(({ id }) => id === activeId)
  const { text } = parseQuery(query.value)
  const open = props.onOpen ?? (id => navigate(traceAddress(id, text)))
  return (
    <VirtualRows
      label={props.label}
      role="grid"
      className="trace-table"
      count={traces.length}
      rowHeight={isNarrow.value ? 60 : 34}
      headHeight={isNarrow.value ? 0 : 32}
      head={<Head />}
      keyOf={index => traces[index]!.id}
      hrefOf={index => traceAddress(traces[index]!.id, text)}
      active={active}
      onActive={index => props.onActive(traces[index]!.id)}
      onOpen={index => open(traces[index]!.id)}
      onKey={(event, index) => {
        const trace = traces[index]
        if (trace) props.onKey?.(event, trace)
      }}
      rowProps={index => ({ class: `is-${traces[index]!.level.toLowerCase()}` })}
      row={index => <Cells trace={traces[index]!} words={text} />}
    />
  )
}

const directions = { '': 'none', '-': 'descending', '+': 'ascending' } as const

function Head() {
  return (
    <div role="row" class="head" aria-rowindex={1}>
      {columns.map(({ name, key }) => {
        const sign = sorting.value === key ? '+' : sorting.value === `-${key}` ? '-' : ''
        return (
          <span
            key={name}
            role="columnheader"
            class={`cell ${name.toLowerCase()}`}
            aria-sort={key === undefined ? undefined : directions[sign]}
          >
            {key === undefined ? (
              name
            ) : (
              <button
                type="button"
                class="sort"
                onClick={() => setParameter('sort', nextSorting(sorting.value, key))}
              >
                {name}
                <i aria-hidden="true">{sign === '-' ? '↓' : sign === '+' ? '↑' : ''}</i>
              </button>
            )}
          </span>
        )
      })}
    </div>
  )
}

function Cells({ trace, words }: { trace: TraceSummary; words: string }) {
  const { totals } = trace
  return (
    <>
      <span role="gridcell" class="cell time" title={formatFullMoment(trace.startTimeMs)}>
        {formatMoment(trace.startTimeMs)}
      </span>
      <span role="gridcell" class="cell status">
        <StatusMark trace={trace} />
      </span>
      <NameCell trace={trace} words={words} />
      <span role="gridcell" class="cell user" title={trace.userId} dir="auto">
        {trace.userId}
      </span>
      <span role="gridcell" class="cell session" title={trace.sessionId} dir="auto">
        {trace.sessionId}
      </span>
      <span role="gridcell" class="cell duration">
        <Duration trace={trace} />
      </span>
      <span role="gridcell" class="cell tokens">
        {formatTokens(totals.tokens).replace(' tokens', '')}
      </span>
      <span role="gridcell" class="cell cost" title={totals.costEstimated && 'Computed from the price table'}>
        {totals.costEstimated && totals.cost > 0 ? '≈' : ''}
        {formatCost(totals.cost)}
      </span>
      <span role="gridcell" class="cell models" title={totals.models.join(', ')}>
        {totals.models.join(', ')}
      </span>
    </>
  )
}

function NameCell({ trace, words }: { trace: TraceSummary; words: string }) {
  const { level, route, path, name, errorMessage, question, answer } = trace
  // A request that no route matched has only its path to be told by.
  const showsPath = route === undefined && path !== undefined && !name.includes(path)
  const preview = [question, answer].filter(text => text !== undefined).join(' → ')
  return (
    <span role="gridcell" class="cell name">
      <LevelMark level={level} />
      <a href={traceAddress(trace.id, words)} tabIndex={-1} title={name} dir="auto">
        {name || '(no name)'}
      </a>
      {showsPath && <span class="path">{path}</span>}
      {trace.tags.slice(0, 3).map(tag => (
        <span key={tag} class="tag" dir="auto">
          {tag}
        </span>
      ))}
      {trace.scores.slice(0, 2).map(score => (
        <span key={score.id} class="tag score" dir="auto">
          ★ {score.name} {String(score.value)}
        </span>
      ))}
      {errorMessage ? (
        <span class="preview error" title={errorMessage} dir="auto">
          {errorMessage}
        </span>
      ) : (
        <span class="preview" title={preview} dir="auto">
          {preview}
        </span>
      )}
    </span>
  )
}

function Duration({ trace }: { trace: TraceSummary }) {
  const runsMs = trace.runningCount > 0 ? nowMs.value - trace.startTimeMs : 0
  return <>{formatDuration(Math.max(trace.durationMs, runsMs))}</>
}
