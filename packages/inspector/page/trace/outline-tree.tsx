import { useMemo, useState } from 'preact/hooks'
import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { LevelMark, typeClass } from '../parts/marks.tsx'
import { VirtualRows } from '../parts/virtual-rows.tsx'

const maxIndents = 12

/** The observations of a trace as a tree, each with its place in time. */
export function OutlineTree(props: {
  rows: readonly OutlineRow[]
  selectedId: string | undefined
  /** Observations in which what was searched for occurs. */
  hits: ReadonlySet<string>
  onSelect(id: string): void
  nowMs: number
}) {
  const { rows, selectedId, onSelect } = props
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const shown = useMemo(() => visibleRows(rows, folded), [rows, folded])
  const scale = useMemo(() => timeScale(rows, props.nowMs), [rows, props.nowMs])
  const parents = useMemo(() => new Set(shown.flatMap(row => (row.isParent ? row.row.id : []))), [shown])
  const active = shown.findIndex(({ row }) => row.id === selectedId)

  const fold = (id: string, value: boolean): void => {
    const next = new Set(folded)
    if (value) next.add(id)
    else next.delete(id)
    setFolded(next)
  }

  return (
    <VirtualRows
      label="Observations"
      role="treegrid"
      className="outline"
      count={shown.length}
      rowHeight={30}
      headHeight={28}
      head={
        <div role="row" class="head" aria-rowindex={1}>
          <span role="columnheader" class="cell name">
            Observation
          </span>
          <span role="columnheader" class="cell numbers">
            Tokens, cost
          </span>
          <span role="columnheader" class="cell waterfall">
            <span class="hidden">Time line</span>
            <span class="track">
              {[0, 0.5].map(part => (
                <i key={part} style={{ left: `${part * 100}%` }}>
                  {part === 0 ? '0' : formatDuration(scale.lengthMs * part)}
                </i>
              ))}
            </span>
          </span>
        </div>
      }
      keyOf={index => shown[index]!.row.id}
      active={active}
      onActive={index => onSelect(shown[index]!.row.id)}
      onKey={(event, index) => {
        const line = shown[index]
        if (!line) return
        if (event.key === 'ArrowLeft') {
          event.preventDefault()
          if (line.isParent && !folded.has(line.row.id)) fold(line.row.id, true)
          else if (line.row.parentId && parents.has(line.row.parentId)) onSelect(line.row.parentId)
        } else if (event.key === 'ArrowRight') {
          event.preventDefault()
          if (folded.has(line.row.id)) fold(line.row.id, false)
          else if (line.isParent) onSelect(shown[index + 1]!.row.id)
        }
      }}
      rowProps={index => {
        const { row, isParent } = shown[index]!
        return {
          class: `is-${row.level.toLowerCase()}${row.running ? ' is-running' : ''}${props.hits.has(row.id) ? ' is-hit' : ''}`,
          'aria-level': row.depth + 1,
          ...(isParent && { 'aria-expanded': !folded.has(row.id) }),
        }
      }}
      row={index => {
        const { row, isParent } = shown[index]!
        const numbers = [formatTokens(row.tokens).replace(' tokens', ''), formatCost(row.cost)]
        return (
          <>
            <span
              role="gridcell"
              class="cell name"
              style={{ paddingLeft: `${8 + Math.min(row.depth, maxIndents) * 16}px` }}
            >
              {isParent ? (
                <button
                  type="button"
                  class="fold"
                  tabIndex={-1}
                  aria-label={folded.has(row.id) ? 'Unfold' : 'Fold'}
                  onClick={event => {
                    event.stopPropagation()
                    fold(row.id, !folded.has(row.id))
                  }}
                >
                  {folded.has(row.id) ? '▸' : '▾'}
                </button>
              ) : (
                <span class="fold" aria-hidden="true" />
              )}
              <i class={`dot ${typeClass(row.type)}`} role="img" aria-label={row.type} />
              {row.level !== 'DEFAULT' && <LevelMark level={row.level} />}
              {row.depth > maxIndents && (
                <span class="depth" title={`Level ${row.depth}`}>
                  {row.depth}
                </span>
              )}
              <span class="text" title={row.name} dir="auto">
                {row.name || '(no name)'}
              </span>
              {row.orphan && <span class="tag">orphan</span>}
              {row.service && (
                <span class="tag" title={`Service ${row.service}`}>
                  {row.service}
                </span>
              )}
              {row.model && <span class="model">{row.model}</span>}
            </span>
            <span role="gridcell" class="cell numbers">
              {numbers.filter(text => text !== '').join('  ')}
            </span>
            <span role="gridcell" class="cell waterfall">
              <span class="track">
                <Bar row={row} scale={scale} nowMs={props.nowMs} />
              </span>
            </span>
          </>
        )
      }}
    />
  )
}

interface Scale {
  startMs: number
  lengthMs: number
}

function Bar({ row, scale, nowMs }: { row: OutlineRow; scale: Scale; nowMs: number }) {
  const endMs = row.running ? Math.max(nowMs, row.startTimeMs) : row.endTimeMs
  const left = place(row.startTimeMs, scale)
  const right = Math.max(left, place(endMs, scale))
  const first = row.completionStartTimeMs
  const hasFirst = first !== undefined && first >= row.startTimeMs && first <= endMs
  const label = row.running ? 'running' : formatDuration(Math.max(0, endMs - row.startTimeMs))
  return (
    <>
      <span
        class={`bar ${typeClass(row.type)}`}
        style={{ left: `${left * 100}%`, width: `max(2px, ${(right - left) * 100}%)` }}
      >
        {hasFirst && (
          <i
            class="first-token"
            title={`first token after ${formatDuration(first - row.startTimeMs)}`}
            style={{
              left: `${((first - row.startTimeMs) / Math.max(endMs - row.startTimeMs, 0.001)) * 100}%`,
            }}
          />
        )}
      </span>
      <span class="bar-label" style={{ left: `${right * 100}%` }}>
        {label}
      </span>
    </>
  )
}

function place(ms: number, { startMs, lengthMs }: Scale): number {
  return Math.min(1, Math.max(0, (ms - startMs) / lengthMs))
}

function timeScale(rows: readonly OutlineRow[], nowMs: number): Scale {
  let startMs = Number.POSITIVE_INFINITY
  let endMs = 0
  for (const row of rows) {
    startMs = Math.min(startMs, row.startTimeMs)
    endMs = Math.max(endMs, row.running ? nowMs : row.endTimeMs)
  }
  return { startMs, lengthMs: Math.max(0.001, endMs - startMs) }
}

function visibleRows(
  rows: readonly OutlineRow[],
  folded: ReadonlySet<string>,
): { row: OutlineRow; isParent: boolean }[] {
  const shown: { row: OutlineRow; isParent: boolean }[] = []
  let hiddenBelow = Number.POSITIVE_INFINITY
  rows.forEach((row, index) => {
    if (row.depth > hiddenBelow) return
    hiddenBelow = folded.has(row.id) ? row.depth : Number.POSITIVE_INFINITY
    shown.push({ row, isParent: (rows[index + 1]?.depth ?? 0) > row.depth })
  })
  return shown
}
