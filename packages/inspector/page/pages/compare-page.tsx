import { useMemo, useState } from 'preact/hooks'
import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { Payload } from '../content/payload.tsx'
import { traceAddress } from '../data/navigation.ts'
import { usePageTitle } from '../data/page-title.ts'
import type { Outline } from '../data/server.ts'
import { LevelMark, StatusMark, TypeBadge } from '../parts/marks.tsx'
import { VirtualRows } from '../parts/virtual-rows.tsx'
import { alignRows } from '../trace/aligned-rows.ts'
import { MissingTrace } from '../trace/missing-trace.tsx'
import { useObservation } from '../trace/observation.ts'
import { useOutline } from '../trace/outline.ts'

/** Two traces side by side. */
export function ComparePage({ leftId, rightId }: { leftId: string; rightId: string }) {
  const left = useOutline(leftId)
  const right = useOutline(rightId)
  usePageTitle('Comparison')
  if (!left.outline || !right.outline) {
    const [id, error] = left.outline ? [rightId, right.error] : [leftId, left.error]
    return <MissingTrace id={id} error={error} />
  }
  return <Comparison left={left.outline} right={right.outline} />
}

function Comparison({ left, right }: { left: Outline; right: Outline }) {
  const [active, setActive] = useState(0)
  const rows = useMemo(() => alignRows(left.observations, right.observations), [left, right])
  const selected = rows[active]
  return (
    <main class="compare-page" style={{ '--rows': rows.length }}>
      <header class="compare-head">
        <h1 class="hidden">Comparison</h1>
        <Head side="Left" outline={left} other={right} />
        <Head side="Right" outline={right} other={left} />
      </header>
      <VirtualRows
        label="Observations of both traces"
        role="grid"
        className="compare-table"
        count={rows.length}
        rowHeight={30}
        headHeight={0}
        keyOf={index => `${rows[index]!.left?.id}/${rows[index]!.right?.id}`}
        active={active}
        onActive={setActive}
        row={index => {
          const { left, right } = rows[index]!
          return (
            <>
              <Side row={left} other={right} />
              <Side row={right} other={left} />
            </>
          )
        }}
      />
      <div class="compare-detail">
        <Payloads side="Left" traceId={left.summary.id} row={selected?.left} />
        <Payloads side="Right" traceId={right.summary.id} row={selected?.right} />
      </div>
    </main>
  )
}

function Head(props: { side: string; outline: Outline; other: Outline }) {
  const { side, other } = props
  const { summary } = props.outline
  const { totals } = summary
  const facts: [string, string, string][] = [
    ['Duration', formatDuration(summary.durationMs), change(summary.durationMs, other.summary.durationMs)],
    [
      'Tokens',
      formatTokens(totals.tokens).replace(' tokens', ''),
      change(totals.tokens.total, other.summary.totals.tokens.total),
    ],
    ['Cost', formatCost(totals.cost), change(totals.cost, other.summary.totals.cost)],
    ['Observations', String(summary.observationCount), ''],
    ['Models', totals.models.join(', '), ''],
  ]
  return (
    <section aria-label={`${side}: ${summary.name}`}>
      <h2>
        <LevelMark level={summary.level} />
        <StatusMark trace={summary} />
        <a class="text" href={traceAddress(summary.id)}>
          {summary.name}
        </a>
      </h2>
      <dl class="facts">
        {facts.map(([name, value, difference]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value || '—'} <span class="muted">{difference}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Side({ row, other }: { row: OutlineRow | undefined; other: OutlineRow | undefined }) {
  if (!row) return <span role="gridcell" class="cell absent" aria-label="absent" />
  const durationMs = Math.max(0, row.endTimeMs - row.startTimeMs)
  const otherMs = other && Math.max(0, other.endTimeMs - other.startTimeMs)
  return (
    <span role="gridcell" class={`cell ${other ? '' : 'only'}`}>
      <span class="text" style={{ paddingLeft: `${Math.min(row.depth, 10) * 14}px` }}>
        <TypeBadge type={row.type} />
        {row.level !== 'DEFAULT' && <LevelMark level={row.level} />}
        <b title={row.name}>{row.name || '(no name)'}</b>
      </span>
      <span class="number">
        {formatDuration(durationMs)}{' '}
        <span class="muted">{otherMs === undefined ? '' : change(durationMs, otherMs)}</span>
      </span>
    </span>
  )
}

function Payloads({ side, traceId, row }: { side: string; traceId: string; row: OutlineRow | undefined }) {
  const { observation } = useObservation(traceId, row, 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the pane is scrolled with the keyboard
    <section class="detail" aria-label={`${side}: ${row?.name ?? 'absent'}, payloads`} tabIndex={0}>
      {!row && <p class="muted">Not in this trace.</p>}
      {row?.statusMessage && (
        <p class={`status-message is-${row.level.toLowerCase()}`}>{row.statusMessage}</p>
      )}
      {row && observation?.id === row.id && (
        <>
          {observation.input !== undefined && <Payload title="Input" value={observation.input} />}
          {observation.output !== undefined && <Payload title="Output" value={observation.output} markdown />}
        </>
      )}
    </section>
  )
}

/** `+12 %` of the other one; nothing where it is about the same, or there is nothing to compare with. */
function change(value: number, other: number): string {
  if (other <= 0 || value <= 0) return ''
  const percent = Math.round((value / other - 1) * 100)
  return Math.abs(percent) < 2 ? '' : `${percent > 0 ? '+' : '−'}${Math.abs(percent)} %`
}
