import { signal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import {
  groupErrors,
  type OverviewKind,
  type OverviewRow,
  overTime,
  summariseBy,
} from '../../src/reading/overview.ts'
import { formatCost, formatDuration } from '../../src/reading/quantity.ts'
import { toSegment, traceAddress } from '../data/navigation.ts'
import { usePageTitle } from '../data/page-title.ts'
import { traces } from '../data/traces.ts'
import { formatMoment } from '../parts/moment.ts'
import { type ChartSeries, TimeChart } from '../parts/time-chart.tsx'

const kinds: OverviewKind[] = ['route', 'model', 'user']
const kind = signal<OverviewKind>('route')
const maxRows = 50
const maxErrors = 12

/** How requests fare by route, model and user; each figure leads to the traces behind it. */
export function OverviewPage() {
  usePageTitle('Overview')
  const all = traces.value
  const rows = useMemo(() => summariseBy(kind.value, all), [all, kind.value])
  const errors = useMemo(() => groupErrors(all), [all])
  if (all.length === 0) {
    return (
      <main class="empty">
        <h1>Overview</h1>
        <p class="muted">No traces yet.</p>
      </main>
    )
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the page is scrolled with the keyboard
    <main class="overview-page" tabIndex={0} aria-label="Overview">
      <h1 class="hidden">Overview</h1>
      <Charts />
      <section aria-label={`By ${kind.value}`}>
        <header>
          <h2>By {kind.value}</h2>
          <span class="choice" role="group" aria-label="Group by">
            {kinds.map(one => (
              <button
                key={one}
                type="button"
                aria-pressed={one === kind.value}
                onClick={() => {
                  kind.value = one
                }}
              >
                {one}
              </button>
            ))}
          </span>
        </header>
        <Figures rows={rows.slice(0, maxRows)} />
      </section>
      {errors.length > 0 && (
        <section aria-label="Errors">
          <h2>Errors</h2>
          <ul class="error-groups">
            {errors.slice(0, maxErrors).map(({ message, count, lastMs, traceId }) => (
              <li key={traceId}>
                <a href={listOf(`level:error error:${quoted(message.slice(0, 60).replace(/…$/, ''))}`)}>
                  {count} ×
                </a>
                <span dir="auto">{message}</span>
                <a class="muted" href={traceAddress(traceId)}>
                  last {formatMoment(lastMs)}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
    </main>
  )
}

function Charts() {
  const { buckets } = useMemo(() => overTime(traces.value), [traces.value])
  const timesMs = useMemo(() => buckets.map(({ startMs }) => startMs), [buckets])
  const counts = useMemo(
    (): ChartSeries[] => [
      { label: 'Requests', colour: '--accent', values: buckets.map(({ count }) => count) },
      { label: 'Errors', colour: '--error', values: buckets.map(({ errors }) => errors) },
    ],
    [buckets],
  )
  const durations = useMemo(
    (): ChartSeries[] => [
      {
        label: 'p95 duration',
        colour: '--tool',
        values: buckets.map(({ p95 }) => p95),
        format: formatDuration,
      },
    ],
    [buckets],
  )
  return (
    <div class="charts">
      <TimeChart label="Requests and errors over time" timesMs={timesMs} series={counts} />
      <TimeChart label="95th percentile of durations over time" timesMs={timesMs} series={durations} />
    </div>
  )
}

function Figures({ rows }: { rows: OverviewRow[] }) {
  const by = kind.value
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled with the keyboard
    <div class="table" role="group" aria-label="Figures" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {[
              by,
              by === 'model' ? 'calls' : 'requests',
              'errors',
              'p50',
              'p95',
              'p99',
              'first token',
              'tokens',
              'cost',
            ].map(name => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => {
            const filter = `${by}:${quoted(row.key)}`
            const link = (more: string, text: string) => <a href={listOf(`${filter}${more}`)}>{text}</a>
            const slower = (ms: number): string => ` duration:>=${Math.floor(ms)}ms`
            const figures = (ms: number) =>
              by === 'model' ? formatDuration(ms) : link(slower(ms), formatDuration(ms))
            return (
              <tr key={row.key}>
                <th scope="row" dir="auto">
                  {link('', row.key)}
                </th>
                <td>{link('', row.count.toLocaleString('en-US'))}</td>
                <td>
                  {row.errors > 0 &&
                    link(' level:error', `${row.errors} (${Math.round((100 * row.errors) / row.count)} %)`)}
                </td>
                <td>{figures(row.p50)}</td>
                <td>{figures(row.p95)}</td>
                <td>{figures(row.p99)}</td>
                <td>
                  {row.firstToken !== undefined &&
                    link(` firsttoken:>=${Math.floor(row.firstToken)}ms`, formatDuration(row.firstToken))}
                </td>
                <td>{row.tokens > 0 && link(' tokens:>0', row.tokens.toLocaleString('en-US'))}</td>
                <td>{row.cost > 0 && link(' cost:>0', formatCost(row.cost))}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function listOf(query: string): string {
  return `/?q=${toSegment(query)}`
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '')}"`
}
