import type { Observation } from './observation.ts'
import { levelMark, levelStyle, type Paint } from './paint.ts'
import { printable } from './printable.ts'
import { formatCost, formatDuration, formatTokens } from './quantity.ts'
import { columns, pad, truncate } from './terminal-text.ts'

const maxRows = 200
const maxIndents = 12
const gap = '   '

interface Row {
  branch: string
  observation: Observation
}

interface Column {
  text: (observation: Observation) => string
  style: Parameters<Paint>[0]
  align?: 'left'
  /** Columns below this are not worth having; without it the column never shrinks. */
  least?: number
}

// In the order in which they are given up where the terminal is narrow, last first.
const priorities = ['duration', 'tokens', 'type', 'model', 'note', 'cost'] as const

const details: Record<(typeof priorities)[number], Column> = {
  type: { text: ({ type }) => printable(type), style: 'cyan', least: 6 },
  duration: { text: ({ durationMs }) => formatDuration(durationMs), style: 'reset', align: 'left' },
  model: { text: ({ model }) => printable(model ?? ''), style: 'magenta', least: 10 },
  tokens: { text: ({ tokens }) => formatTokens(tokens), style: 'dim', align: 'left' },
  cost: { text: ({ cost }) => formatCost(cost), style: 'dim', align: 'left' },
  note: { text: ({ orphan }) => (orphan ? 'parent missing' : ''), style: 'yellow' },
}

/** The lines of a tree of observations, in aligned columns that fit the width. */
export function formatRows(topLevel: Observation[], width: number, paint: Paint): string[] {
  const { rows, hidden } = layOut(topLevel)
  const texts = rows.map(({ branch, observation }) => branch + heading(observation))
  const widths = fitColumns(rows, Math.max(0, ...texts.map(columns)), width)
  const lines = rows.map(({ branch, observation }) => {
    const name = pad(truncate(branch + heading(observation), widths.name), widths.name).slice(branch.length)
    const cells = widths.cells.map(([column, cellWidth]) =>
      paint(column.style, pad(truncate(column.text(observation), cellWidth), cellWidth, column.align)),
    )
    const isPlain = observation.level === 'DEFAULT'
    return [paint('dim', branch) + (isPlain ? name : paint(levelStyle[observation.level], name)), ...cells]
      .join(gap)
      .trimEnd()
  })
  return hidden === 0
    ? lines
    : [...lines, paint('dim', `   … and ${hidden.toLocaleString('en-US')} more observations`)]
}

function heading({ level, name }: Observation): string {
  return `${level === 'DEFAULT' ? '' : `${levelMark[level]} `}${printable(name) || '(no name)'}`
}

function layOut(topLevel: Observation[]): { rows: Row[]; hidden: number } {
  const rows: Row[] = []
  let hidden = 0
  const waiting = topLevel.map((observation, index) => ({
    observation,
    indent: '',
    isLast: index === topLevel.length - 1,
  }))
  waiting.reverse()
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { observation, indent, isLast } = next
    if (rows.length < maxRows) rows.push({ branch: `${indent}${isLast ? '└─ ' : '├─ '}`, observation })
    else hidden += 1
    const isDeep = indent.length >= 3 * maxIndents
    const below = isDeep ? indent : `${indent}${isLast ? '   ' : '│  '}`
    const children = observation.children.map((child, index, all) => ({
      observation: child,
      indent: below,
      isLast: index === all.length - 1,
    }))
    waiting.push(...children.reverse())
  }
  return { rows, hidden }
}

function fitColumns(
  rows: Row[],
  nameWidth: number,
  width: number,
): { name: number; cells: [Column, number][] } {
  const widths = new Map<Column, number>()
  for (const column of Object.values(details)) {
    const widest = Math.max(0, ...rows.map(({ observation }) => columns(column.text(observation))))
    if (widest > 0) widths.set(column, widest)
  }
  const excess = (name: number): number => {
    const cells = [...widths.values()].reduce((sum, cell) => sum + gap.length + cell, 0)
    return name + cells - width
  }
  const leastName = Math.min(nameWidth, 24)
  for (const priority of priorities.toReversed()) {
    const column = details[priority]
    const own = widths.get(column)
    const over = excess(leastName)
    if (own === undefined || over <= 0) continue
    const shrunk = column.least === undefined ? 0 : own - over
    if (shrunk >= (column.least ?? 1)) widths.set(column, shrunk)
    else widths.delete(column)
  }
  return { name: Math.max(leastName, nameWidth - Math.max(0, excess(nameWidth))), cells: [...widths] }
}
