import { signal } from '@preact/signals'
import { useMemo, useState } from 'preact/hooks'
import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import { navigate, toSegment, wellFormed } from '../data/navigation.ts'
import { usePageTitle } from '../data/page-title.ts'
import { traces } from '../data/traces.ts'
import { TraceTable } from '../list/trace-table.tsx'
import { formatFullMoment, formatMoment } from '../parts/moment.ts'
import { isNarrow } from '../parts/screen.ts'
import { VirtualRows } from '../parts/virtual-rows.tsx'
import { Conversation } from './conversation.tsx'

/** What traces are put together by. */
export type GroupKind = 'sessions' | 'users'

interface Group {
  id: string
  traces: TraceSummary[]
  others: Set<string>
  tokens: TraceSummary['totals']['tokens']
  cost: number
  errors: number
  busyMs: number
  firstMs: number
  lastMs: number
}

const keyOf: Record<GroupKind, (trace: TraceSummary) => string | undefined> = {
  sessions: trace => trace.sessionId,
  users: trace => trace.userId,
}
const activeId = signal<string | undefined>(undefined)

/** All sessions, or all users, the one that was seen last first. */
export function GroupsPage({ kind }: { kind: GroupKind }) {
  const groups = useMemo(() => groupTraces(traces.value, kind), [traces.value, kind])
  const title = kind === 'sessions' ? 'Sessions' : 'Users'
  const other = kind === 'sessions' ? 'Users' : 'Sessions'
  usePageTitle(title)
  if (groups.length === 0) {
    return (
      <main class="empty">
        <h1>{title}</h1>
        <p class="muted">
          No trace names {kind === 'sessions' ? 'a session' : 'a user'} yet: an app says it with{' '}
          <code>{kind === 'sessions' ? 'x-session-id' : 'x-user-id'}</code>, or Langfuse's{' '}
          <code>propagateAttributes</code>.
        </p>
      </main>
    )
  }
  const open = (id: string): void => navigate(`/${kind}/${toSegment(id)}`)
  return (
    <main class="list-page">
      <h1 class="hidden">{title}</h1>
      <VirtualRows
        label={title}
        role="grid"
        className="group-table"
        count={groups.length}
        rowHeight={isNarrow.value ? 60 : 34}
        headHeight={isNarrow.value ? 0 : 32}
        head={
          <div role="row" class="head" aria-rowindex={1}>
            {[title.slice(0, -1), other, 'Traces', 'Errors', 'Last', 'Tokens', 'Cost'].map((name, index) => (
              <span key={name} role="columnheader" class={`cell column-${index}`}>
                {name}
              </span>
            ))}
          </div>
        }
        keyOf={index => groups[index]!.id}
        hrefOf={index => `/${kind}/${toSegment(groups[index]!.id)}`}
        active={groups.findIndex(({ id }) => id === activeId.value)}
        onActive={index => {
          activeId.value = groups[index]!.id
        }}
        onOpen={index => open(groups[index]!.id)}
        row={index => {
          const group = groups[index]!
          return [
            <a key="link" href={`/${kind}/${toSegment(group.id)}`} tabIndex={-1}>
              {group.id}
            </a>,
            [...group.others].slice(0, 5).join(', '),
            group.traces.length.toLocaleString('en-US'),
            group.errors > 0 && <span class="level-error">{group.errors}</span>,
            formatMoment(group.lastMs),
            formatTokens(group.tokens).replace(' tokens', ''),
            formatCost(group.cost),
          ].map((content, column) => (
            <span key={column} role="gridcell" class={`cell column-${column}`}>
              {content}
            </span>
          ))
        }}
      />
      <p class="foot">
        {groups.length.toLocaleString('en-US')}{' '}
        {groups.length === 1 ? title.slice(0, -1).toLowerCase() : title.toLowerCase()}
      </p>
    </main>
  )
}

/** The traces of one session, or of one user, newest first. */
export function GroupPage({ kind, id }: { kind: GroupKind; id: string }) {
  const group = useMemo(
    () => groupTraces(traces.value, kind).find(one => wellFormed(one.id) === id),
    [traces.value, kind, id],
  )
  usePageTitle(`${kind === 'sessions' ? 'Session' : 'User'} ${id}`)
  const [isList, setList] = useState(kind === 'users')
  if (!group) {
    return (
      <main class="empty">
        <h1>{id}</h1>
        <p class="muted">No traces. They show up here as they come in.</p>
      </main>
    )
  }
  const facts: [string, string][] = [
    ['Traces', group.traces.length.toLocaleString('en-US')],
    ['Errors', group.errors > 0 ? String(group.errors) : ''],
    [kind === 'sessions' ? 'Users' : 'Sessions', [...group.others].slice(0, 10).join(', ')],
    ['First', formatFullMoment(group.firstMs)],
    ['Last', formatFullMoment(group.lastMs)],
    ['Time in requests', formatDuration(group.busyMs)],
    ['Tokens', formatTokens(group.tokens).replace(' tokens', '')],
    ['Cost', formatCost(group.cost)],
  ]
  return (
    <main class="list-page">
      <header class="trace-head">
        <h1>
          <span class="muted">{kind === 'sessions' ? 'Session' : 'User'}</span>
          <span class="text">{id}</span>
        </h1>
        <dl class="facts">
          {facts.map(([name, value]) =>
            value ? (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ) : null,
          )}
        </dl>
        <span class="choice" role="group" aria-label="Show as">
          <button type="button" aria-pressed={!isList} onClick={() => setList(false)}>
            Conversation
          </button>
          <button type="button" aria-pressed={isList} onClick={() => setList(true)}>
            List
          </button>
        </span>
      </header>
      {isList ? (
        <TraceTable
          label="Traces"
          traces={group.traces}
          activeId={activeId.value}
          onActive={traceId => {
            activeId.value = traceId
          }}
        />
      ) : (
        <Conversation traces={group.traces} />
      )}
    </main>
  )
}

function groupTraces(all: readonly TraceSummary[], kind: GroupKind): Group[] {
  const groups = new Map<string, Group>()
  for (const trace of all) {
    const id = keyOf[kind](trace)
    if (id === undefined) continue
    const group = groups.get(id) ?? {
      id,
      traces: [],
      others: new Set(),
      tokens: { input: 0, output: 0, total: 0 },
      cost: 0,
      errors: 0,
      busyMs: 0,
      firstMs: trace.startTimeMs,
      lastMs: trace.endTimeMs,
    }
    groups.set(id, group)
    group.traces.push(trace)
    const other = keyOf[kind === 'sessions' ? 'users' : 'sessions'](trace)
    if (other !== undefined) group.others.add(other)
    group.tokens.input += trace.totals.tokens.input
    group.tokens.output += trace.totals.tokens.output
    group.tokens.total += trace.totals.tokens.total
    group.cost += trace.totals.cost
    group.errors += Number(trace.level === 'ERROR')
    group.busyMs += trace.durationMs
    group.firstMs = Math.min(group.firstMs, trace.startTimeMs)
    group.lastMs = Math.max(group.lastMs, trace.endTimeMs)
  }
  return [...groups.values()].sort((a, b) => b.lastMs - a.lastMs)
}
