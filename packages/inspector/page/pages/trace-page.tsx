import { effect } from '@preact/signals'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { navigate, selectedId, setParameter, toSegment } from '../data/navigation.ts'
import { fetchOutline, type Outline } from '../data/server.ts'
import { changedIds, paused, traces } from '../data/traces.ts'
import { LevelMark, StatusMark } from '../parts/marks.tsx'
import { formatFullMoment } from '../parts/moment.ts'
import { notify } from '../parts/notice.tsx'
import { ObservationDetail } from '../trace/observation-detail.tsx'
import { OutlineTree } from '../trace/outline-tree.tsx'
import { TraceActions } from '../trace/trace-actions.tsx'

const maxProblems = 4

/** One trace: what went wrong, its tree, and the observation that is selected. */
export function TracePage({ id }: { id: string }) {
  const { outline, error } = useOutline(id)
  const rows = outline?.observations
  const problems = useMemo(() => findProblems(rows ?? []), [rows])
  const selected = rows?.find(row => row.id === selectedId.value) ?? problems[0] ?? rows?.[0]
  const nowMs = useClock(rows?.some(row => row.running) ?? false)
  if (!outline || !selected) return <Missing id={id} error={error} />
  return (
    <main class="trace-page">
      <header class="trace-head">
        <TraceTitle outline={outline} />
        <TraceActions outline={outline} />
        <TraceFacts outline={outline} />
        {problems.length > 0 && <Problems rows={problems} />}
      </header>
      <section class="tree-pane" aria-label="Tree" style={{ '--rows': outline.observations.length }}>
        <OutlineTree
          rows={outline.observations}
          selectedId={selected.id}
          nowMs={nowMs}
          onSelect={observationId => setParameter('o', observationId)}
        />
      </section>
      <ObservationDetail
        key={selected.id}
        traceId={id}
        row={selected}
        scores={outline.scores.filter(score =>
          score.observationId ? score.observationId === selected.id : selected.parentId === undefined,
        )}
      />
    </main>
  )
}

/** Loads a trace, and again whenever it changes. */
export function useOutline(id: string): { outline?: Outline; error?: string } {
  const [state, setState] = useState<{ outline?: Outline; error?: string }>({})
  useEffect(() => {
    let isShown = true
    let isLoading = false
    let isStale = true
    const load = async (): Promise<void> => {
      // One at a time: what changes meanwhile is loaded afterwards, and nothing that was loaded is thrown away.
      if (isLoading) return
      isLoading = true
      while (isShown && isStale) {
        isStale = false
        const next = await fetchOutline(id).then(
          outline => ({ outline }),
          (error: Error) => ({ error: error.message }),
        )
        if (isShown) setState(next)
      }
      isLoading = false
    }
    const stop = effect(() => {
      if (changedIds.value.has(id)) isStale = true
      if (!paused.value) void load()
    })
    void load()
    return () => {
      isShown = false
      stop()
    }
  }, [id])
  return state
}

function useClock(isRunning: boolean): number {
  const [nowMs, setNowMs] = useState(Date.now())
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(() => setNowMs(Date.now()), 500)
    return () => clearInterval(timer)
  }, [isRunning])
  return nowMs
}

/** The deepest observations that went wrong, errors first: what rises to the root is told once. */
function findProblems(rows: readonly OutlineRow[]): OutlineRow[] {
  const byMessage = new Map<string, OutlineRow>()
  for (const row of rows) {
    if (row.level === 'ERROR' || row.level === 'WARNING') byMessage.set(row.statusMessage ?? row.id, row)
  }
  const root = rows.find(row => row.parentId === undefined)
  // What a middleware says of a bare status is told by the status already.
  if (byMessage.size > 1 && root && /^HTTP \d+$/.test(root.statusMessage ?? ''))
    byMessage.delete(root.statusMessage!)
  return [...byMessage.values()].sort((a, b) => Number(b.level === 'ERROR') - Number(a.level === 'ERROR'))
}

function Problems({ rows }: { rows: OutlineRow[] }) {
  return (
    <ul class="problems" aria-label="Problems">
      {rows.slice(0, maxProblems).map(row => (
        <li key={row.id}>
          <button
            type="button"
            class={`problem is-${row.level.toLowerCase()}`}
            onClick={() => setParameter('o', row.id)}
          >
            <LevelMark level={row.level} />
            <b>{row.name}</b>
            <span>{row.statusMessage}</span>
          </button>
        </li>
      ))}
      {rows.length > maxProblems && <li class="muted">… and {rows.length - maxProblems} more</li>}
    </ul>
  )
}

function TraceTitle({ outline: { summary } }: { outline: Outline }) {
  return (
    <h1>
      <LevelMark level={summary.level} />
      <StatusMark trace={summary} />
      <span class="text">{summary.name || '(no name)'}</span>
    </h1>
  )
}

/** What is known of a trace as a whole. */
function TraceFacts({ outline: { summary, scores, observations } }: { outline: Outline }) {
  const { totals, userId, sessionId } = summary
  const services = new Set([summary.service, ...observations.map(({ service }) => service)])
  return (
    <dl class="facts">
      <Fact name="Started">{formatFullMoment(summary.startTimeMs)}</Fact>
      <Fact name="Duration">{formatDuration(summary.durationMs)}</Fact>
      <Fact name="Tokens">{formatTokens(totals.tokens).replace(' tokens', '')}</Fact>
      <Fact name="Cost">{formatCost(totals.cost)}</Fact>
      <Fact name="User">{userId && <a href={`/users/${toSegment(userId)}`}>{userId}</a>}</Fact>
      <Fact name="Session">{sessionId && <a href={`/sessions/${toSegment(sessionId)}`}>{sessionId}</a>}</Fact>
      <Fact name="Models">{totals.models.join(', ')}</Fact>
      <Fact name="Environment">{summary.environment === 'default' ? '' : summary.environment}</Fact>
      <Fact name="Service">{[...services].filter(service => service !== undefined).join(', ')}</Fact>
      <Fact name="Release">{summary.release ?? summary.version}</Fact>
      <Fact name="Tags">
        {summary.tags.length > 0 &&
          summary.tags.map(tag => (
            <span key={tag} class="tag">
              {tag}
            </span>
          ))}
      </Fact>
      <Fact name="Scores">
        {scores.length > 0 &&
          scores.slice(0, 20).map(score => (
            <span key={score.id} class="tag score" title={score.comment}>
              ★ {score.name} {String(score.value)}
            </span>
          ))}
      </Fact>
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  if (!children) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Missing({ id, error }: { id: string; error?: string | undefined }) {
  if (!error) return <main class="empty">Loading …</main>
  return (
    <main class="empty">
      <h1>No such trace</h1>
      <p class="muted">
        {id} is not here yet: this page shows it as soon as it comes. <a href="/">All traces</a>
      </p>
    </main>
  )
}

/** Goes to the trace before or after this one in the list. */
export function stepTrace(id: string, step: 1 | -1): void {
  const index = traces.value.findIndex(trace => trace.id === id)
  const next = traces.value[index + step]
  if (index === -1 || !next) notify(step === 1 ? 'This is the oldest trace' : 'This is the newest trace')
  else navigate(`/traces/${next.id}`)
}
