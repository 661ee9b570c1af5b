import { useEffect, useMemo, useState } from 'preact/hooks'
import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { query, selectedId, setParameter, toSegment } from '../data/navigation.ts'
import { usePageTitle } from '../data/page-title.ts'
import type { Outline } from '../data/server.ts'
import { LevelMark, StatusMark } from '../parts/marks.tsx'
import { formatFullMoment } from '../parts/moment.ts'
import { Splitter, storedSplit } from '../parts/splitter.tsx'
import { MissingTrace } from '../trace/missing-trace.tsx'
import { ObservationDetail } from '../trace/observation-detail.tsx'
import { useHits, useOutline } from '../trace/outline.ts'
import { OutlineTree } from '../trace/outline-tree.tsx'
import { TraceActions } from '../trace/trace-actions.tsx'

const maxProblems = 4

/** One trace: what went wrong, its tree, and the observation that is selected. */
export function TracePage({ id }: { id: string }) {
  const { outline, error, version } = useOutline(id)
  const words = query.value
  const hits = useHits(id, words, version)
  const [share, setShare] = useState(storedSplit)
  const rows = outline?.observations
  const problems = useMemo(() => findProblems(rows ?? []), [rows])
  const hit = rows?.find(row => hits.has(row.id))
  const selected = rows?.find(row => row.id === selectedId.value) ?? hit ?? problems[0] ?? rows?.[0]
  const now = useClock(rows?.some(row => row.running) ?? false)
  const { summary } = outline ?? {}
  usePageTitle(summary ? [summary.statusCode, summary.name].filter(Boolean).join(' ') : 'Trace')
  if (!outline || !selected) return <MissingTrace id={id} error={error} />
  return (
    <main class="trace-page">
      <header class="trace-head">
        <TraceTitle outline={outline} />
        <TraceActions outline={outline} />
        <TraceFacts outline={outline} nowMs={now} />
        {problems.length > 0 && <Problems rows={problems} />}
      </header>
      <div class="trace-panes" style={{ '--split': `${share}%` }}>
        <section class="tree-pane" aria-label="Tree" style={{ '--rows': outline.observations.length }}>
          <OutlineTree
            rows={outline.observations}
            selectedId={selected.id}
            hits={hits}
            nowMs={now}
            onSelect={observationId => setParameter('o', observationId)}
          />
        </section>
        <Splitter share={share} onShare={setShare} />
        <ObservationDetail
          key={selected.id}
          traceId={id}
          row={selected}
          version={version}
          words={words}
          scores={outline.scores.filter(score =>
            score.observationId ? score.observationId === selected.id : selected.parentId === undefined,
          )}
        />
      </div>
    </main>
  )
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
            <span dir="auto">{row.statusMessage}</span>
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
      <span class="text" dir="auto">
        {summary.name || '(no name)'}
      </span>
    </h1>
  )
}

/** What is known of a trace as a whole. */
function TraceFacts({ outline, nowMs }: { outline: Outline; nowMs: number }) {
  const { summary, scores, observations } = outline
  const { totals, userId, sessionId } = summary
  const services = new Set([summary.service, ...observations.map(({ service }) => service)])
  return (
    <dl class="facts">
      <Fact name="Started">{formatFullMoment(summary.startTimeMs)}</Fact>
      <Fact name="Duration">
        {formatDuration(
          Math.max(summary.durationMs, summary.runningCount > 0 ? nowMs - summary.startTimeMs : 0),
        )}
      </Fact>
      <Fact name="Tokens">{formatTokens(totals.tokens).replace(' tokens', '')}</Fact>
      <Fact name="Cost">
        {formatCost(totals.cost) && `${totals.costEstimated ? '≈ ' : ''}${formatCost(totals.cost)}`}
      </Fact>
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
