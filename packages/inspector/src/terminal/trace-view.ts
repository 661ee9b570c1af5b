import { printable } from '../basics/printable.ts'
import type { Observation } from '../reading/observation.ts'
import { formatCost, formatDuration, formatTokens } from '../reading/quantity.ts'
import type { Trace } from '../reading/trace.ts'
import { createPaint, levelMark, levelStyle, type Paint, type Style } from './paint.ts'
import { columns, truncate, wrap } from './terminal-text.ts'
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
  return [
    first,
    ...[...more, ...asides].map(line => rail + line),
    ...formatRows(below, trace.service, width, paint),
  ].join('\n')
}

function formatHead(trace: Trace, width: number, paint: Paint): string[] {
  const { level, totals } = trace
  const facts = [
    paint(statusStyle(trace.statusCode ?? 0), String(trace.statusCode ?? '')),
    formatDuration(trace.durationMs),
    formatTokens(totals.tokens),
    formatCost(totals.cost),
  ].filter(fact => fact !== '')
  const title = printable(trace.name) || '(no name)'
  const room = (): number => width - 2 - facts.reduce((sum, fact) => sum + gap.length + columns(fact), 0)
  // A name that can be recognised is worth more than the sums, which the tree repeats.
  while (facts.length > 2 && room() < columns(title)) facts.pop()
  const isFine = level === 'DEFAULT' || level === 'DEBUG'
  const name = paint(isFine ? 'bold' : ['bold', levelStyle[level]], truncate(title, room()))
  const head = [`${paint(levelStyle[level], levelMark[level])} ${name}`, ...facts].join(gap)
  const context = paint('dim', truncate(describeContext(trace), width - gap.length))
  const id = paint('dim', trace.id)

  const whole = spread(context === '' ? head : head + gap + context, id, width)
  if (whole !== undefined) return [whole]
  const first = spread(head, id, width)
  if (first !== undefined) return [first, context]
  const second = spread(context, id, width - gap.length)
  return second === undefined ? [head, context, id] : [head, second]
}

/** Puts two texts at the ends of a line, if they fit on one. */
function spread(left: string, right: string, width: number): string | undefined {
  const space = width - columns(left) - columns(right)
  return space < gap.length ? undefined : left + ' '.repeat(space) + right
}

function describeContext(trace: Trace): string {
  const { userId, sessionId, tags, environment, revision, root, service, observations } = trace
  const isSpread = observations.some(observation => observation.service !== service)
  return [
    isSpread && service && `in ${service}`,
    userId && `user ${userId}`,
    sessionId && `session ${sessionId}`,
    environment !== 'default' && environment,
    ...tags.map(tag => `#${tag}`),
    revision > 1 && 'updated',
    !root && 'root missing',
  ]
    .flatMap(text => (text ? printable(text) : []))
    .join(' · ')
}

function formatProblems({ observations, statusCode }: Trace, width: number, paint: Paint): string[] {
  // An error that rises to the root is told once, by the observation that it came from.
  const byMessage = new Map<string, Observation>()
  for (const observation of observations) {
    const message = printable(observation.statusMessage ?? '')
    if (message !== '' && message !== `HTTP ${statusCode}`) byMessage.set(message, observation)
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

function statusStyle(statusCode: number): Style {
  if (statusCode >= 500) return 'red'
  if (statusCode >= 400) return 'yellow'
  return statusCode >= 300 ? 'cyan' : 'green'
}
