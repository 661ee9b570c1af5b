import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import { navigate, traceAddress } from '../data/navigation.ts'
import { LevelMark, StatusMark } from '../parts/marks.tsx'
import { formatFullMoment, formatMoment } from '../parts/moment.ts'
import { isNarrow } from '../parts/screen.ts'
import { VirtualRows } from '../parts/virtual-rows.tsx'

const columns = ['Time', 'Status', 'Name', 'User', 'Session', 'Duration', 'Tokens', 'Cost', 'Models']

/** A list of traces, however long. */
export function TraceTable(props: {
  label: string
  traces: readonly TraceSummary[]
  activeId: string | undefined
  onActive(id: string): void
  onOpen?(id: string): void
  onKey?(event: KeyboardEvent, trace: TraceSummary): void
}) {
  const { traces, activeId } = props
  const active = activeId === undefined ? -1 : traces.findIndex(({ id }) => id === activeId)
  const open = props.onOpen ?? (id => navigate(traceAddress(id)))
  return (
    <VirtualRows
      label={props.label}
      role="grid"
      className="trace-table"
      count={traces.length}
      rowHeight={isNarrow.value ? 60 : 34}
      headHeight={isNarrow.value ? 0 : 32}
      head={
        <div role="row" class="head" aria-rowindex={1}>
          {columns.map(name => (
            <span key={name} role="columnheader" class={`cell ${name.toLowerCase()}`}>
              {name}
            </span>
          ))}
        </div>
      }
      keyOf={index => traces[index]!.id}
      active={active}
      onActive={index => props.onActive(traces[index]!.id)}
      onOpen={index => open(traces[index]!.id)}
      onKey={(event, index) => {
        const trace = traces[index]
        if (trace) props.onKey?.(event, trace)
      }}
      rowProps={index => ({ class: `is-${traces[index]!.level.toLowerCase()}` })}
      row={index => <Cells trace={traces[index]!} />}
    />
  )
}

function Cells({ trace }: { trace: TraceSummary }) {
  const { totals, level } = trace
  return (
    <>
      <span role="gridcell" class="cell time" title={formatFullMoment(trace.startTimeMs)}>
        {formatMoment(trace.startTimeMs)}
      </span>
      <span role="gridcell" class="cell status">
        <StatusMark trace={trace} />
      </span>
      <span role="gridcell" class="cell name">
        <LevelMark level={level} />
        <a href={traceAddress(trace.id)} tabIndex={-1} title={trace.name}>
          {trace.name || '(no name)'}
        </a>
        {trace.tags.slice(0, 3).map(tag => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        {trace.scores.slice(0, 2).map(score => (
          <span key={score.id} class="tag score">
            ★ {score.name} {String(score.value)}
          </span>
        ))}
      </span>
      <span role="gridcell" class="cell user" title={trace.userId}>
        {trace.userId}
      </span>
      <span role="gridcell" class="cell session" title={trace.sessionId}>
        {trace.sessionId}
      </span>
      <span role="gridcell" class="cell duration">
        {formatDuration(trace.durationMs)}
      </span>
      <span role="gridcell" class="cell tokens">
        {formatTokens(totals.tokens).replace(' tokens', '')}
      </span>
      <span role="gridcell" class="cell cost">
        {formatCost(totals.cost)}
      </span>
      <span role="gridcell" class="cell models" title={totals.models.join(', ')}>
        {totals.models.join(', ')}
      </span>
    </>
  )
}
