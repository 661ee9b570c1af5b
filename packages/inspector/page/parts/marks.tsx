import type { Level } from '../../src/reading/observation-facts.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'

const levelSign: Record<Level, string> = { DEBUG: '○', DEFAULT: '●', WARNING: '▲', ERROR: '✖' }
const types = [
  'generation',
  'tool',
  'retriever',
  'agent',
  'embedding',
  'chain',
  'evaluator',
  'guardrail',
  'event',
]

/** The class that colours a type. */
export function typeClass(type: string): string {
  return `type-${types.includes(type) ? type : 'span'}`
}

/** A level as a sign, so that colour is not needed to see it. */
export function LevelMark({ level }: { level: Level }) {
  return (
    <span class={`level level-${level.toLowerCase()}`} role="img" aria-label={level.toLowerCase()}>
      {levelSign[level]}
    </span>
  )
}

/** An HTTP status, or that the request still runs. */
export function StatusMark({ trace }: { trace: Pick<TraceSummary, 'statusCode' | 'runningCount'> }) {
  if (trace.runningCount > 0) return <span class="status status-running">running</span>
  const { statusCode } = trace
  if (statusCode === undefined) return <span class="status muted">—</span>
  return <span class={`status status-${Math.floor(statusCode / 100)}xx`}>{statusCode}</span>
}

/** The type of an observation. */
export function TypeBadge({ type }: { type: string }) {
  return (
    <span class={`type ${typeClass(type)}`}>
      <i aria-hidden="true" />
      {type}
    </span>
  )
}

/** Numbers of kinds, such as tokens: `input 812 · output 95`. */
export function formatKinds(kinds: Record<string, number>, format: (amount: number) => string): string {
  return Object.entries(kinds)
    .filter(([, amount]) => amount !== 0)
    .map(([kind, amount]) => `${kind} ${format(amount)}`)
    .join(' · ')
}
