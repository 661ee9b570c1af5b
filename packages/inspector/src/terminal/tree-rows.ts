import { printable } from '../basics/printable.ts'
import type { Observation } from '../reading/observation.ts'
import { formatCost, formatDuration, formatTokens } from '../reading/quantity.ts'
import { levelMark, levelStyle, type Paint, type Style } from './paint.ts'
import { columns, pad, truncate } from './terminal-text.ts'

const maxRows = 200
const gap = '  '

interface Row {
  branch: string
  observation: Observation
  /** The service that the trace goes on in from here. */
  enters: string
}

interface Column {
  text: (observation: Observation, row: Row) => string
  style?: Style
  padding?: 'left'
  /** Columns below this are not worth having; without it the column never shrinks. */
  least?: number
}

// Where the terminal is narrow the last ones are given up first.
const priorities = ['duration', 'note', 'service', 'tokens', 'type', 'model', 'cost'] as const

const details: Record<(typeof priorities)[number], Column> = {
  type: { text: ({ type }) => printable(type), style: 'cyan', least: 6 },
  duration: { text: ({ durationMs }) => formatDuration(durationMs), padding: 'left' },
  model: { text: ({ model }) => printable(model ?? ''), style: 'magenta', least: 10 },
  tokens: { text: ({ tokens }) => formatTokens(tokens), style: 'dim', padding: 'left' },
  cost: { text: ({ cost }) => formatCost(cost), style: 'dim', padding: 'left' },
  service: { text: (_, { enters }) => printable(enters && `in ${enters}`), style: 'cyan', least: 10 },
  note: { text: ({ orphan }) => (orphan ? 'orphan' : ''), style: 'yellow' },
}

/** The lines of a tree of observations below one of `service`, in aligned columns that fit the width. */
export function formatRows(
  topLevel: Observation[],
  service: string | undefined,
  width: number,
  paint: Paint,
): string[] {
  const { rows, hidden } = layOut(topLevel, service, Math.floor(width / 10))
  const texts = rows.map(({ branch, observation }) => branch + heading(observation))
  const widths = fitColumns(rows, Math.max(0, ...texts.map(columns)), width)
  const lines = rows.map(row => {
    const { branch, observation } = row
    const name = pad(truncate(branch + heading(observation), widths.name), widths.name).slice(branch.length)
    const cells = widths.cells.map(([{ text, style, padding }, cellWidth]) => {
      const cell = truncate(text(observation, row), cellWidth)
      return pad(style ? paint(style, cell) : cell, cellWidth, padding)
    })
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

function layOut(
  topLevel: Observation[],
  above: string | undefined,
  maxIndents: number,
): { rows: Row[]; hidden: number } {
  const rows: Row[] = []
  let hidden = 0
  const waiting: { observation: Observation; indent: string; isLast: boolean; enters: string }[] = []
  const enqueue = (observations: Observation[], indent: string, above: string | undefined): void => {
    let isLast = true
    for (const observation of observations.toReversed()) {
      const enters = observation.service === above ? '' : (observation.service ?? '')
      waiting.push({ observation, indent, isLast, enters })
      isLast = false
    }
  }
  enqueue(topLevel, '', above)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { observation, indent, isLast, enters } = next
    if (rows.length < maxRows)
      rows.push({ branch: `${indent}${isLast ? '└─ ' : '├─ '}`, observation, enters })
    else hidden += 1
    // Past this depth the tree grows no further to the right.
    const isDeep = indent.length >= 3 * maxIndents
    enqueue(observation.children, isDeep ? indent : `${indent}${isLast ? '   ' : '│  '}`, observation.service)
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
    const widest = Math.max(0, ...rows.map(row => columns(column.text(row.observation, row))))
    if (widest > 0) widths.set(column, widest)
  }
  const excess = (name: number): number => {
    const cells = [...widths.values()].reduce((sum, cell) => sum + gap.length + cell, 0)
    return name + cells - width
  }
  const branchWidth = Math.max(0, ...rows.map(({ branch }) => branch.length))
  const leastName = Math.min(nameWidth, Math.max(24, branchWidth + 12))
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
