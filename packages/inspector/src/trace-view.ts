import type { Observation } from './observation.ts'
import { createPaint, levelMark, levelStyle, type Paint } from './paint.ts'
import { printable } from './printable.ts'
import { formatCost, formatDuration, formatTokens } from './quantity.ts'
import { columns, truncate, wrap } from './terminal-text.ts'
import type { Trace } from './trace.ts'
import { formatRows } from './tree-rows.ts'

const gap = '   '
const maxProblems = 3
const maxProblemLines = 3

/** How `formatTrace` draws. */
export interface FormatOptions {
  /**
   * Colours, as escape sequences.
   * @default false
   */
  colour?: boolean | undefined
  /**
   * Columns to fit into, at least 40.
   * @default 80
   */
  width?: number | undefined
}

/** Draws a trace for a terminal: a line about the request, what went wrong, and the tree of observations. */
export function formatTrace(trace: Trace, options: FormatOptions = {}): string {
  const paint = createPaint(options.colour ?? false)
  const width = Math.max(40, options.width ?? 80)
  const { root } = trace
  const below = root ? [...root.children, ...trace.topLevel.filter(top => top !== root)] : trace.topLevel
  const rail = below.length > 0 ? `${paint('dim', '│')}  ` : gap
  const inner = width - gap.length
  const asides = [...formatProblems(trace, inner, paint), ...formatScores(trace, inner, paint)]
  const [first = '', ...more] = formatHead(trace, width, paint)
  return [first, ...[...more, ...asides].map(line => rail + line), ...formatRows(below, width, paint)].join(
    '\n',
  )
}

function formatHead(trace: Trace, width: number, paint: Paint): string[] {
  const { statusCode, totals } = trace
  const facts: [text: string, style: Parameters<Paint>[0]][] = [
    [statusCode === undefined ? '' : String(statusCode), statusStyle(statusCode ?? 0)],
    [formatDuration(trace.durationMs), 'reset'],
    [formatTokens(totals.tokens), 'reset'],
    [formatCost(totals.cost), 'reset'],
  ]
  const shown = facts.filter(([text]) => text !== '')
  const factsWidth = shown.reduce((sum, [text]) => sum + gap.length + columns(text), 0)
  const idWidth = gap.length + trace.id.length
  const title = printable(trace.name) || '(no name)'
  const name = truncate(title, width - factsWidth - 2)
  const used = 2 + columns(name) + factsWidth
  const context = describeContext(trace)
  const titleStyle: Parameters<Paint>[0] =
    trace.level === 'DEFAULT' || trace.level === 'DEBUG' ? 'bold' : ['bold', 'red']
  const head = [
    `${paint(levelStyle[trace.level], levelMark[trace.level])} ${paint(trace.level === 'WARNING' ? ['bold', 'yellow'] : titleStyle, name)}`,
    ...shown.map(([text, style]) => paint(style, text)),
  ].join(gap)
  const id = paint('dim', trace.id)

  const spare = width - used - idWidth
  if (spare >= gap.length + columns(context)) {
    const text = context === '' ? '' : gap + context
    return [`${head}${paint('dim', text)}${' '.repeat(spare - columns(text) + gap.length)}${id}`]
  }
  const contextLine = truncate(context, width - gap.length)
  if (spare >= 0) return [`${head}${' '.repeat(spare + gap.length)}${id}`, paint('dim', contextLine)]
  const room = width - gap.length - columns(contextLine) - trace.id.length
  if (room < gap.length) return [head, paint('dim', contextLine), id]
  return [head, `${paint('dim', contextLine)}${' '.repeat(room)}${id}`]
}

function describeContext(trace: Trace): string {
  const { userId, sessionId, tags, environment, revision, root } = trace
  return [
    userId && `user ${userId}`,
    sessionId && `session ${sessionId}`,
    environment,
    ...tags.map(tag => `#${tag}`),
    revision > 1 && 'updated',
    !root && 'root missing',
  ]
    .flatMap(text => (text ? printable(text) : []))
    .join(' · ')
}

function formatProblems({ observations }: Trace, width: number, paint: Paint): string[] {
  // An error that rises to the root is told once, by the observation that it came from.
  const byMessage = new Map<string, Observation>()
  for (const observation of observations) {
    const message = printable(observation.statusMessage ?? '')
    if (message !== '' && observation.level !== 'DEFAULT') byMessage.set(message, observation)
  }
  const problems = [...byMessage].filter(([, { level }]) => level === 'ERROR' || level === 'WARNING')
  problems.sort(([, a], [, b]) => Number(b.level === 'ERROR') - Number(a.level === 'ERROR'))
  const lines = problems.slice(0, maxProblems).flatMap(([message, { level, name }]) => {
    const [first = '', ...more] = wrap(
      `${levelMark[level]} ${printable(name)}: ${message}`,
      width - 2,
      maxProblemLines,
    )
    return [first, ...more.map(line => `  ${line}`)].map(line => paint(levelStyle[level], line))
  })
  const hidden = problems.length - maxProblems
  return hidden > 0 ? [...lines, paint('dim', `… and ${hidden} more`)] : lines
}

function formatScores({ scores }: Trace, width: number, paint: Paint): string[] {
  if (scores.length === 0) return []
  const text = scores.map(({ name, value }) => printable(`${name} ${value}`)).join(' · ')
  return [paint('yellow', truncate(`★ ${text}`, width))]
}

function statusStyle(statusCode: number): Parameters<Paint>[0] {
  if (statusCode >= 500) return 'red'
  if (statusCode >= 400) return 'yellow'
  return statusCode >= 300 ? 'cyan' : 'green'
}
